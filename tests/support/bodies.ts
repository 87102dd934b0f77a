// Every kind of body that a request may have. All of this runs in a page.

/** What the API must have received. */
export interface Expected {
  /** The bytes, one by one; of a form with files the boundary is the browser's own. */
  bytes?: number[]
  /** The type, where the body itself names one. */
  type?: string
  /** Of a form: name, file name, type and content of each part. */
  parts?: string[][]
}

/** Sends each kind at once, then changes what can be changed; gives what was handed over, by the path's last part. */
export async function sendBodies(folder: string): Promise<Record<string, Expected & { status: number }>> {
  const text = 'tea & tarts: 红茶, ½ \u{1F375}\r\n\0'
  const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 31) % 256)
  const urlencoded = 'application/x-www-form-urlencoded;charset=UTF-8'
  const plain = 'text/plain;charset=UTF-8'
  const image = new File([bytes.slice()], 'tea "½".png', { type: 'image/png' })
  const form = (): FormData => {
    const form = new FormData()
    form.append('text', text.replace('\0', ''))
    form.append('image', image)
    form.append('blob', new Blob(['in a blob']), 'blob.bin')
    return form
  }
  const parts = [
    ['text', '', '', text.replace('\0', '')],
    ['image', 'tea %22½%22.png', 'image/png', String.fromCharCode(...bytes.slice(0, 100))],
    ['blob', 'blob.bin', 'application/octet-stream', 'in a blob'],
  ]
  const list = [...bytes]
  const utf8 = [...new TextEncoder().encode(text)]
  const query = new URLSearchParams({ q: text })
  const queryBytes = [...new TextEncoder().encode(String(query))]

  const buffer = bytes.slice().buffer
  const whole = bytes.slice()
  const view = new Uint8Array(bytes.slice().buffer, 500, 1000)
  const words = new Uint16Array(bytes.slice().buffer, 2, 50)
  const dataView = new DataView(bytes.slice().buffer, 3, 200)
  const changing = form()

  const kinds: Record<string, [BodyInit | null, Expected]> = {
    'string': [text, { bytes: utf8, type: plain }],
    'empty-string': ['', { bytes: [], type: plain }],
    'blob': [new Blob([bytes.slice()], { type: 'application/x-tea' }), { bytes: list, type: 'application/x-tea' }],
    'blob-without-type': [new Blob([text]), { bytes: utf8 }],
    'file': [image, { bytes: list, type: 'image/png' }],
    'form': [changing, { parts }],
    'query': [query, { bytes: queryBytes, type: urlencoded }],
    'buffer': [buffer, { bytes: list }],
    'typed-array': [whole, { bytes: list }],
    'part-of-a-buffer': [view, { bytes: list.slice(500, 1500) }],
    'words': [words, { bytes: list.slice(2, 102) }],
    'data-view': [dataView, { bytes: list.slice(3, 203) }],
    'nothing': [null, { bytes: [] }],
  }
  const answers: Promise<[string, Expected & { status: number }]>[] = []
  const send = (name: string, expected: Expected, answer: Promise<Response>): void => {
    answers.push(answer.then(({ status }) => [name, { ...expected, status }]))
  }
  for (const [name, [body, expected]] of Object.entries(kinds)) {
    send(name, expected, window.session.fetch(`${folder}/${name}`, { method: 'POST', body }))
  }
  // What the application does with its own things afterwards is none of the request's business.
  for (const array of [new Uint8Array(buffer), whole, view, new Uint8Array(words.buffer), new Uint8Array(dataView.buffer)]) array.fill(0)
  changing.append('too', 'late')
  query.append('too', 'late')

  const requests: Record<string, [BodyInit | null, Expected]> = {
    'string': [text, { bytes: utf8, type: plain }],
    'blob': [new Blob([bytes.slice()], { type: 'application/x-tea' }), { bytes: list, type: 'application/x-tea' }],
    'form': [form(), { parts }],
    'query': [new URLSearchParams({ q: text }), { bytes: queryBytes, type: urlencoded }],
    'buffer': [bytes.slice().buffer, { bytes: list }],
    'data-view': [new DataView(bytes.slice().buffer, 3, 200), { bytes: list.slice(3, 203) }],
    'nothing': [null, { bytes: [] }],
  }
  for (const [kind, [body, expected]] of Object.entries(requests)) {
    const name = `Request-with-${kind}`
    const request = new Request(`${folder}/${name}`, { method: 'POST', body })
    send(name, expected, window.session.fetch(request))
    if (body === null) continue
    if (!request.bodyUsed) throw new Error(`${name}: a Request must be used up, as by fetch`)
    const again = await window.session.fetch(request).then(() => 'sent', (error: Error) => error.name)
    if (again !== 'TypeError') throw new Error(`${name}: a Request that was used must be refused`)
  }
  const replaced = new Request(`${folder}/Request-and-another-body`, { method: 'POST', body: 'not this one' })
  send('Request-and-another-body', { bytes: utf8, type: plain }, window.session.fetch(replaced, { body: text }))
  return Object.fromEntries(await Promise.all(answers))
}
