//! The guard: did our own page send it (R36–R43)? The decision is [`cloakroom_core::guard`]'s.

use cloakroom_core::guard::{Guard, GuardRefusal, SameOrigin, is_navigation};
use http::{HeaderMap, Method};

use super::gate::Admitted;
use crate::refusal::Refusal;

/// Demands that the request is ours.
///
/// A person who followed another site's link gets a page with a link to go on: their click is a
/// request of ours, and nothing has happened before it.
pub(crate) fn check(
    guard: &Guard,
    method: &Method,
    headers: &HeaderMap,
    admitted: &Admitted,
) -> Result<SameOrigin, Refusal> {
    guard.check(method, headers, admitted.origin()).map_err(|refusal| {
        let answer = Refusal::from(refusal);
        let link =
            refusal == GuardRefusal::CrossSite && *method == Method::GET && is_navigation(headers);
        if link { answer.continue_to(admitted.target()) } else { answer }
    })
}
