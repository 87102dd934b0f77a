import { useEffect, useState } from 'react'
import { session, useSession } from './session'

export function App() {
  const { status, claims, sid } = useSession()

  useEffect(() => {
    void session.ready().catch(() => undefined) // not reachable: the page goes on not knowing
  }, [])

  if (status === 'unknown') return <p>One moment …</p>
  if (status === 'out') return <><p>logged out</p><button id="login" onClick={() => session.login()}>Log in</button></>
  return (
    <>
      <p>logged in as {claims.name}</p>
      <button id="logout" onClick={() => void session.logout()}>Log out</button>
      <Orders key={sid} />
    </>
  )
}

/** Its state is that of one session: with another key it is another component, with nothing of the one before. */
function Orders() {
  const [orders, setOrders] = useState('')

  async function load(): Promise<void> {
    const answer = await session.fetch('/api/orders')
    setOrders(`${answer.status} ${await answer.text()}`)
  }

  return <><button id="load" onClick={() => void load()}>My orders</button><pre id="orders">{orders}</pre></>
}
