// What a tab of Chromium has really shown: every picture that it composed, of the shop of `apps/shop`.
import type { Page } from 'playwright-core'

export class Film {
  readonly #pictures: string[] = []
  /** Whom the pictures show that have been looked at. */
  readonly #users: Promise<string>[] = []
  readonly #projector: Page

  private constructor(projector: Page) {
    this.#projector = projector
  }

  /** Films this tab from now on. */
  static async of(page: Page): Promise<Film> {
    const context = page.context()
    const film = new Film(await context.newPage())
    await page.bringToFront()
    const session = await context.newCDPSession(page)
    session.on('Page.screencastFrame', ({ data, sessionId }) => {
      film.#pictures.push(data)
      void session.send('Page.screencastFrameAck', { sessionId })
    })
    await session.send('Page.startScreencast', { format: 'png' })
    return film
  }

  get length(): number {
    return this.#pictures.length
  }

  /** The user whose colour each picture has; an empty name where it has none. */
  users(): Promise<string[]> {
    while (this.#users.length < this.length) this.#users.push(this.#userOf(this.#pictures[this.#users.length]!))
    return Promise.all(this.#users)
  }

  #userOf(picture: string): Promise<string> {
    return this.#projector.evaluate(async (picture) => {
      const bytes = Uint8Array.from(atob(picture), (character) => character.charCodeAt(0))
      const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
      const context = new OffscreenCanvas(image.width, image.height).getContext('2d')!
      context.drawImage(image, 0, 0)
      // Any pixel counts: the page may come in bit by bit.
      const { data } = context.getImageData(0, 0, image.width, image.height)
      const seen = { alice: 0, bob: 0 }
      for (let at = 0; at < data.length; at += 4) {
        const [red, green, blue] = [data[at]!, data[at + 1]!, data[at + 2]!]
        if (red > 128 && green < 64 && blue < 64) seen.alice += 1
        if (blue > 128 && green < 64 && red < 64) seen.bob += 1
      }
      const threshold = data.length / 400
      return seen.alice > threshold ? 'alice' : seen.bob > threshold ? 'bob' : ''
    }, picture)
  }
}
