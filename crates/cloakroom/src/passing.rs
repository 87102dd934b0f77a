//! The application's own requests to its login service, as they pass.
//!
//! | request | what happens |
//! |---|---|
//! | login | goes to the service; the tokens are lifted out of the answer and a session begins |
//! | refresh | is answered here, with the shape of the service's answer and no token in it |
//! | logout | ends the session, goes to the service with its token, and the cookie goes with the answer |
//!
//! What is no POST at the login's path goes on like any request; its answer may hold no token.
//!
//! All of them must be our own page's (R38): the guard asks, whatever the route's rule. They lie on
//! routes like any others, so that gate and route table decide first.

mod beside;
mod judge;
mod login;
mod logout;
mod refresh;

use std::sync::Arc;

use http::Method;

pub(crate) use self::{
    beside::BesideLogin, login::PassingLogin, logout::PassingLogout, refresh::answer_refresh,
};
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
    let is = |own: Option<&str>| own.is_some_and(|own| path.may_be(own));
    let posts = *method == Method::POST;
    let named = sessions.providers().iter().find_map(|provider| {
        let api = provider.token_api()?.api();
        let refresh = api.refresh.as_ref().and_then(|refresh| refresh.path.as_deref());
        let logout = api.logout.as_ref().and_then(|logout| logout.path.as_deref());
        if posts && is(Some(&api.login_path)) {
            Some(Passing::Login(Arc::clone(provider)))
        } else if is(refresh) {
            Some(Passing::Refresh(Arc::clone(provider)))
        } else {
            is(logout).then_some(Passing::Logout)
        }
    });
    named.or_else(|| at_login(sessions, admitted).filter(|_| posts).map(Passing::Login))
}

/// Whether a path is that of one of them.
pub(crate) fn is_path_of_one(sessions: &Sessions, admitted: &Admitted) -> bool {
    find(sessions, &Method::POST, admitted).is_some()
}

/// Whose login's path it is, in any spelling.
fn at_login(sessions: &Sessions, admitted: &Admitted) -> Option<Arc<Provider>> {
    let path = admitted.path();
    let find = |is: &dyn Fn(&str) -> bool| {
        let logs_in = |provider: &&Arc<Provider>| {
            provider.token_api().is_some_and(|service| is(&service.api().login_path))
        };
        sessions.providers().iter().find(logs_in)
    };
    // Who asks for another format gets tokens as well, and they must be lifted.
    let found = find(&|own| path.may_be(own)).or_else(|| find(&|own| path.may_be_in_a_format(own)));
    found.cloned()
}
