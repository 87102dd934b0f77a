//! Parameters of a query or a form, in the order in which they came.

use axum::extract::Request;
use axum::extract::rejection::FormRejection;
use axum::{Form, extract::FromRequest};

/// Name and value pairs.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// The value of `name`, unless it is missing or comes twice (RFC 6749 §3.1).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(other, _)| other == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = FormRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, FormRejection> {
        Form::from_request(request, state).await.map(|Form(pairs)| Self(pairs))
    }
}
