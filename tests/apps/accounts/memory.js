// The database that accounts-js wants to be given, as far as logins with a name and a password need one.
import { randomUUID } from 'node:crypto'

export class Memory {
  #users = new Map()
  #sessions = new Map()

  async createUser({ username, password }) {
    const id = randomUUID()
    this.#users.set(id, { id, username, services: { password: { bcrypt: password } } })
    return id
  }

  async findUserById(id) {
    return this.#users.get(id) ?? null
  }

  async findUserByUsername(username) {
    return [...this.#users.values()].find((user) => user.username === username) ?? null
  }

  async findUserByEmail() {
    return null
  }

  async findPasswordHash(id) {
    return this.#users.get(id)?.services.password.bcrypt ?? null
  }

  async createSession(userId, token) {
    const id = randomUUID()
    this.#sessions.set(id, { id, userId, token, valid: true })
    return id
  }

  async findSessionByToken(token) {
    return [...this.#sessions.values()].find((session) => session.token === token) ?? null
  }

  async updateSession(id, _connection, token) {
    if (token) this.#sessions.get(id).token = token
  }

  async invalidateSession(id) {
    this.#sessions.get(id).valid = false
  }
}
