//! The route table: which rule applies, decided by the path that is also forwarded (R61, R62).
//!
//! An upstream may read that path more loosely than we do: Tomcat cuts `;x` off, Windows a dot. Where
//! such a reading leads to another rule, the request is refused: with `/admin` protected and `/` open,
//! `/admin;x` is neither.

#[cfg(test)]
mod tests;

use cloakroom_core::path::NormalPath;
use http::Method;

use super::gate::Admitted;
use crate::{control::Endpoint, reason::Reason, refusal::Refusal, settings::Route};

/// The routes, the longest prefix first.
#[derive(Debug)]
pub(crate) struct RouteTable {
    control_prefix: String,
    routes: Vec<(usize, Route)>,
}

/// The proof that a request matched a route.
#[derive(Debug)]
pub(crate) struct Matched<'a> {
    index: usize,
    route: &'a Route,
}

/// Where a request goes.
#[derive(Debug)]
pub(crate) enum Destination<'a> {
    /// One of our own endpoints.
    Control(Endpoint),
    /// The inner service.
    Route(Matched<'a>),
}

impl Matched<'_> {
    /// The rule.
    pub(crate) fn route(&self) -> &Route {
        self.route
    }

    /// The rule's place in [`crate::Settings::routes`].
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Whether a client's own token is looked at.
    pub(crate) fn accepts_bearer(&self) -> bool {
        self.route.accept_bearer
    }

    /// Whether a session's token can go along.
    pub(crate) fn takes_sessions(&self) -> bool {
        self.route.takes_sessions()
    }
}

impl RouteTable {
    pub(crate) fn new(control_prefix: &str, routes: &[Route]) -> Self {
        let mut routes: Vec<_> = routes.iter().cloned().enumerate().collect();
        routes.sort_by_key(|(_, route)| std::cmp::Reverse(route.path.len()));
        Self { control_prefix: control_prefix.to_owned(), routes }
    }

    pub(crate) fn find(
        &self,
        method: &Method,
        admitted: &Admitted,
    ) -> Result<Destination<'_>, Refusal> {
        let path = admitted.path();
        if self.is_ambiguous(path) {
            return Err(Refusal::new(Reason::BadPath, "servers could read another route's path"));
        }
        if let Some(rest) = self.control_rest(path) {
            return Endpoint::find(method, rest).map(Destination::Control);
        }
        let (index, route) = self
            .matching(path)
            .ok_or_else(|| Refusal::new(Reason::NoRoute, "no route has this prefix"))?;
        match &route.methods {
            Some(methods) if !methods.contains(method) => {
                let allow = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
                Err(Refusal::new(Reason::MethodNotAllowed, "not among the route's methods")
                    .allow(&allow))
            }
            _ => Ok(Destination::Route(Matched { index: *index, route })),
        }
    }

    /// Whether a request to `target`, a path of ours with query and fragment, would need the guard.
    pub(crate) fn takes_sessions(&self, target: &str) -> bool {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        NormalPath::parse(path)
            .ok()
            .and_then(|path| self.matching(&path))
            .is_some_and(|(_, route)| route.takes_sessions())
    }

    /// What the control endpoints call a path, where it is theirs.
    pub(crate) fn control_rest<'p>(&self, path: &'p NormalPath) -> Option<&'p str> {
        let is_theirs = path.starts_with_segments(&self.control_prefix);
        is_theirs.then(|| &path.as_str()[self.control_prefix.len()..])
    }

    /// The rule of a path, whatever the method; `None` where there is none, or not one alone.
    pub(crate) fn rule(&self, path: &NormalPath) -> Option<&Route> {
        if self.is_ambiguous(path) || self.control_rest(path).is_some() {
            return None;
        }
        self.matching(path).map(|(_, route)| route)
    }

    fn is_ambiguous(&self, path: &NormalPath) -> bool {
        let control = self.control_prefix.as_str();
        let loosely =
            self.routes.iter().find(|(_, route)| path.may_start_with_segments(&route.path));
        path.starts_with_segments(control) != path.may_start_with_segments(control)
            || loosely.map(|(index, _)| index) != self.matching(path).map(|(index, _)| index)
    }

    fn matching(&self, path: &NormalPath) -> Option<&(usize, Route)> {
        let below = |prefix: &str| prefix == "/" || path.starts_with_segments(prefix);
        self.routes.iter().find(|(_, route)| below(&route.path))
    }
}
