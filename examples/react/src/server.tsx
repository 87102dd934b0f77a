import { renderToString } from 'react-dom/server'
import { App } from './App'

/** What a server sends: on it nobody knows who is logged in, as the cookie is the browser's. */
export function render(): string {
  return renderToString(<App />)
}
