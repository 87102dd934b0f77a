//! The application's own requests to its login service, as they pass.
//!
//! | request | what happens |
//! |---|---|
//! | login | goes to the service; the tokens are lifted out of the answer and a session begins |
//! | refresh | is answered here, with the shape of the service's answer and no token in it |
//! | logout | ends the session, goes to the service with its token, and the cookie goes with the answer |
//!
//! All of them must be our own page's (R38): the guard asks, whatever the route's rule. They lie on
//! routes like any others, so that gate and route table decide first.

mod login;
mod logout;
mod refresh;

use std::sync::Arc;

use cloakroom_core::path::NormalPath;
use http::Method;

pub(crate) use self::{login::PassingLogin, logout::PassingLogout, refresh::answer_refresh};
use crate::{provider::Provider, sessions::Sessions, way::gate::Admitted};

/// A request of the application to its login service.
pub(crate) enum Passing {
    Login(Arc<Provider>),
    Refresh(Arc<Provider>),
    Logout,
}

/// Which of them a request is, if any.
pub(crate) fn find(sessions: &Sessions, method: &Method, admitted: &Admitted) -> Option<Passing> {
    if [Method::HEAD, Method::OPTIONS].contains(method) {
        return None;
    }
    let path = admitted.path();
    let is = |own: Option<&str>| own.is_some_and(|own| reads_as(path, own));
    sessions.providers().iter().find_map(|provider| {
        let api = provider.token_api()?.api();
        let refresh = api.refresh.as_ref().and_then(|refresh| refresh.path.as_deref());
        let logout = api.logout.as_ref().and_then(|logout| logout.path.as_deref());
        if *method == Method::POST && is(Some(&api.login_path)) {
            Some(Passing::Login(Arc::clone(provider)))
        } else if is(refresh) {
            Some(Passing::Refresh(Arc::clone(provider)))
        } else {
            is(logout).then_some(Passing::Logout)
        }
    })
}

/// Whether a server could read `path` as `own`: Express takes a slash at the end and any case for the
/// same, others cut `;x` off. Who asks so gets tokens as well, and they must be lifted.
fn reads_as(path: &NormalPath, own: &str) -> bool {
    let segments = |path: &str| path.trim_end_matches('/').split('/').count();
    let path_text = path.as_str();
    path_text.trim_end_matches('/').eq_ignore_ascii_case(own)
        || (path.may_start_with_segments(own) && segments(path_text) == segments(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_that_a_server_takes_for_the_login_is_the_login() {
        let login = "/api/Login";
        for (path, expected) in [
            ("/api/Login", true),
            ("/api/Login/", true),
            ("/API/login", true),
            ("/api/Login;v=1", true),
            ("/api/%4cogin", true),
            ("/api/Login.", true),
            ("/api/Login/otp", false),
            ("/api/Logins", false),
            ("/api", false),
            ("/", false),
        ] {
            let path = NormalPath::parse(path).expect("a path");
            assert_eq!(reads_as(&path, login), expected, "{path:?}");
        }
    }
}
