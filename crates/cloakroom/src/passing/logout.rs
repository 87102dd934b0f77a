//! The application's own logout request: the session ends, whatever the service answers (R48).

use bytes::Bytes;
use cloakroom_core::{csrf::CsrfChecked, guard::SameOrigin};
use http::{HeaderMap, HeaderValue, Method, Response, header::SET_COOKIE};
use http_body::Body;

use crate::{
    Shared,
    body::ReplyBody,
    control::check_csrf,
    reason::Reason,
    refusal::{Refusal, SESSION_HEADER},
    sessions::Ended,
    way::{
        reply,
        session::{self, LiveSession},
    },
};

/// A logout on its way to the service. The session has ended already; its tokens are revoked when this
/// goes, so that the request on its way still finds its token good.
pub(crate) struct PassingLogout {
    _ended: Option<Ended>,
}

impl PassingLogout {
    /// Ends the request's session; the answer is that session too, whose token goes along once more.
    ///
    /// A token that cannot be refreshed now stops no logout: then none goes along.
    pub(crate) async fn begin(
        shared: &Shared,
        headers: &HeaderMap,
        ours: &SameOrigin,
    ) -> Result<(Self, Option<(LiveSession, CsrfChecked)>), Refusal> {
        let sessions = &shared.sessions;
        let now = shared.clock.now();
        let Some(presented) = sessions.present(headers) else {
            return Ok((Self { _ended: None }, None));
        };
        check_csrf(shared, headers, &presented).await?;
        let session = session::find(sessions, headers, ours, now).await.unwrap_or_default();
        // Asked before anything ends: whoever is refused is still logged in.
        let asked = |session: LiveSession| {
            let csrf = shared.csrf.check(&Method::POST, headers, session.id())?;
            Ok::<_, Refusal>((session, csrf))
        };
        let session = session.map(asked).transpose()?;
        let ended = sessions.end(&presented, now).await.map_err(|error| {
            let refusal = Refusal::new(Reason::StoreUnavailable, error.to_string());
            let forget = |refusal: Refusal, cookie| refusal.with_header(SET_COOKIE, cookie);
            shared.forgetting_cookies().into_iter().fold(refusal, forget)
        })?;
        Ok((Self { _ended: ended }, session))
    }

    /// The service's answer, with which the browser forgets its session.
    pub(crate) fn finish<R: Body<Data = Bytes>>(
        self,
        shared: &Shared,
        response: Response<R>,
    ) -> Response<ReplyBody<R>> {
        let mut response = response.map(ReplyBody::inner);
        let headers = response.headers_mut();
        reply::clean(headers, &shared.reserved);
        reply::keep_private(headers);
        headers.insert(SESSION_HEADER, HeaderValue::from_static("ended"));
        reply::set_cookies(headers, shared.forgetting_cookies());
        response
    }
}
