//! Refuses who may not. Fail-closed: a route that says nothing needs a person who may look at pages.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Method;

use crate::auth::{Capability, Viewer};
use crate::routes::{Access, Route};
use crate::{WebError, pages};

/// What each route asks for.
pub(crate) struct Gates {
    routes: HashMap<&'static str, Vec<(Method, Access)>>,
    /// Anybody may read what is published.
    published: bool,
}

impl Gates {
    pub(crate) fn of(routes: &[Route], published: bool) -> Arc<Self> {
        let mut gates: HashMap<_, Vec<_>> = HashMap::new();
        for route in routes {
            gates
                .entry(route.path)
                .or_default()
                .push((route.method.clone(), route.access));
        }
        Arc::new(Self {
            routes: gates,
            published,
        })
    }

    fn access(&self, request: &Request) -> Access {
        let matched = request
            .extensions()
            .get::<MatchedPath>()
            .map(MatchedPath::as_str);
        let listed = matched.and_then(|path| self.routes.get(path));
        if let Some(listed) = listed {
            let method = if *request.method() == Method::HEAD {
                &Method::GET
            } else {
                request.method()
            };
            let found = listed
                .iter()
                .find(|(of, _)| of == method)
                .map(|(_, access)| *access);
            return match found {
                Some(Access::Published) if self.published => Access::Public,
                Some(Access::Published) | None => Access::May(Capability::Read),
                Some(access) => access,
            };
        }
        // By the path as sent, and only if a page of ours answers it.
        let path = request.uri().path();
        let public = pages::PUBLIC.iter().any(|open| {
            if open.ends_with('/') {
                path.starts_with(open)
            } else {
                path == *open
            }
        });
        if matched.is_some() && public {
            Access::Public
        } else {
            Access::May(Capability::Browse)
        }
    }
}

pub(crate) async fn gate(
    State(gates): State<Arc<Gates>>,
    request: Request,
    next: Next,
) -> Response {
    if let Access::May(capability) = gates.access(&request) {
        let refused = match request.extensions().get::<Viewer>() {
            None => Some(WebError::SignInNeeded),
            // Nothing is there: whoever is known may know that.
            Some(_) if request.extensions().get::<MatchedPath>().is_none() => None,
            Some(viewer) => viewer.require(capability).err(),
        };
        if let Some(error) = refused {
            return error.into_response();
        }
    }
    next.run(request).await
}
