import '@angular/compiler' // compiles the templates in the browser; the Angular CLI does it beforehand
import { provideHttpClient, withInterceptors } from '@angular/common/http'
import { bootstrapApplication } from '@angular/platform-browser'
import { App } from './app'
import { session } from './session'
import { sessionInterceptor } from './session.interceptor'

await bootstrapApplication(App, {
  providers: [provideHttpClient(withInterceptors([sessionInterceptor]))],
})
void session.ready().catch(() => undefined) // not reachable: the page goes on not knowing
