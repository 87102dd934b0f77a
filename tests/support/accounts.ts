// Who logs in, and as what the gateway is known to the provider.

export interface Account {
  name: string
  password: string
  fullName: string
}

export const user: Account = { name: 'alice', password: 'through the looking-glass', fullName: 'Alice Liddell' }

/** Who sits down at the same browser after the user has left. */
export const nextUser: Account = { name: 'bob', password: 'the hunting of the snark', fullName: 'Bob Baker' }

// Characters that basic authentication has to percent-encode first (RFC 6749, section 2.3.1).
export const client = { id: 'shop-web', secret: 'a secret for the tests: +/%:&=' }
