// An application of the usual kind, which knows nothing of a gateway: accounts-js (npm @accounts/*) answers a
// login with an access and a refresh token as JSON, and an API takes the access token as a bearer. Called with
// its port and the folder of its page.
import restExpress from '@accounts/rest-express'
import { AccountsPassword } from '@accounts/password'
import { AccountsServer } from '@accounts/server'
import express from 'express'
import { Memory } from './memory.js'

const { default: accountsExpress, userLoader } = restExpress // CommonJS
const [port, page] = process.argv.slice(2)

const password = new AccountsPassword()
const server = new AccountsServer({
  db: new Memory(),
  tokenSecret: process.env.TOKEN_SECRET,
  tokenConfigs: { accessToken: { expiresIn: process.env.TOKEN_LIFETIME }, refreshToken: { expiresIn: '7d' } },
  createNewSessionTokenOnRefresh: true,
}, { password })
await password.createUser({ username: 'alice', password: 'through the looking-glass' })
server.on('RefreshTokensSuccess', () => console.log('refreshed'))
server.on('RefreshTokensError', () => console.log('refresh refused'))
server.on('LogoutSuccess', () => console.log('logged out'))

const app = express()
app.use(express.json())
app.use(accountsExpress(server))
app.use('/api', userLoader(server), (request, response, next) => {
  if (request.userId) next()
  else response.status(401).json({ message: 'not logged in' })
})
app.get('/api/orders', (request, response) => response.json({ user: request.user.username, orders: ['tea', 'tarts'] }))
app.use(express.static(page))
app.listen(port, '127.0.0.1', () => console.log('listening'))
