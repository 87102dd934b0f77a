import { HttpClient } from '@angular/common/http'
import { Component, DestroyRef, inject, signal } from '@angular/core'
import { session } from './session'

@Component({
  selector: 'app-orders',
  template: `<button id="load" (click)="load()">My orders</button><pre id="orders">{{ orders() }}</pre>`,
})
export class Orders {
  readonly orders = signal('')
  readonly #http = inject(HttpClient)

  constructor() {
    // What belongs to a user goes before the next one is shown.
    inject(DestroyRef).onDestroy(session.onReset(() => this.orders.set('')))
  }

  load(): void {
    this.#http.get('/api/orders', { observe: 'response', responseType: 'text' }).subscribe({
      next: ({ status, body }) => this.orders.set(`${status} ${body}`),
      error: ({ status }) => this.orders.set(`${status}`),
    })
  }
}
