import { Component } from '@angular/core'
import { Orders } from './orders'
import { session, snapshot } from './session'

@Component({
  selector: 'app-root',
  imports: [Orders],
  template: `
    @switch (snapshot().status) {
      @case ('unknown') { <p>One moment …</p> }
      @case ('out') {
        <p>logged out</p>
        <button id="login" (click)="session.login()">Log in</button>
      }
      @case ('in') {
        <p>logged in as {{ snapshot().claims?.name }}</p>
        <button id="logout" (click)="session.logout()">Log out</button>
        <app-orders />
      }
    }
  `,
})
export class App {
  readonly session = session
  readonly snapshot = snapshot
}
