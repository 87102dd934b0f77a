// @vitest-environment happy-dom
import { fakeSession } from '@cloakroom/client/testing'
import { createSSRApp, nextTick } from 'vue'
import { expect, test, vi } from 'vitest'
import { sessionPlugin } from '../src/index.js'
import { alice } from './claims.js'
import { Page } from './page.js'

test('the page takes over what a server rendered without a mismatch, then learns who is there', async () => {
  const complaints = ['error', 'warn'].map((kind) => vi.spyOn(console, kind as 'error').mockImplementation(() => {}))
  const element = document.createElement('div')
  element.innerHTML = '<main data-status="unknown">Welcome</main>' // as ssr.test.ts sees it
  const rendered = element.firstElementChild
  const fake = fakeSession({ status: 'unknown' })
  const app = createSSRApp(Page).use(sessionPlugin(fake.session))
  app.mount(element)
  expect(element.firstElementChild).toBe(rendered)
  fake.logIn(alice)
  await nextTick()
  expect(element.innerHTML).toBe('<main data-status="in">Hello Alice</main>')
  expect(element.firstElementChild).toBe(rendered)
  for (const complaint of complaints) expect(complaint).not.toHaveBeenCalled()
  app.unmount()
})
