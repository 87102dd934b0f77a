import { HttpErrorResponse, type HttpInterceptorFn } from '@angular/common/http'
import { catchError, from, switchMap, throwError } from 'rxjs'
import { session } from './session'

/** Does for HttpClient what `session.fetch` does for fetch: where the token has expired, refreshes and repeats once. */
export const sessionInterceptor: HttpInterceptorFn = (request, next) => next(request).pipe(
  catchError((error: unknown) => {
    switch (markOf(error)) {
      case 'expired':
        return from(session.ensureFresh(Infinity)).pipe(
          switchMap((fresh) => (fresh ? next(request) : throwError(() => error))),
        )
      case 'login-required':
        // Whoever shows the session learns of its end; the caller gets the answer as it is.
        void session.check().catch(() => undefined)
    }
    return throwError(() => error)
  }),
)

/** What the gateway says about the session in its answers 401. One without it is the API's own. */
function markOf(error: unknown): string | null {
  if (!(error instanceof HttpErrorResponse) || error.status !== 401) return null
  const own = new URL(error.url ?? '', document.baseURI).origin === location.origin
  return own ? error.headers.get('Cloakroom-Session') : null
}
