// Who logs in, and as what the gateway is known to the provider.

export const user = { name: 'alice', password: 'through the looking-glass' }

// Characters that basic authentication has to percent-encode first (RFC 6749, section 2.3.1).
export const client = { id: 'shop-web', secret: 'a secret for the tests: +/%:&=' }
