import axios from 'axios'
import { session } from './session'

export const api = axios.create({ adapter: 'fetch', env: { fetch: session.fetch } })
