import { createFetch } from 'ofetch'
import { session } from './session.js'

export const api = createFetch({ fetch: session.fetch })
