//! What is shown before sign-in.

use askama::Template;

use crate::WebError;
use crate::auth::forms::{LinkForm, ResetForm, SetupForm, SignInForm};
use crate::pages::parts::shell::Shell;

#[derive(Template)]
#[template(path = "pages/sign-in.html")]
struct SignInPage<'a> {
    shell: Shell,
    form: &'a SignInForm,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/setup.html")]
struct SetupPage<'a> {
    shell: Shell,
    form: &'a SetupForm,
    errors: FieldErrors,
}

#[derive(Template)]
#[template(path = "pages/link.html")]
struct LinkPage<'a> {
    shell: Shell,
    form: &'a LinkForm,
}

#[derive(Template)]
#[template(path = "pages/reset.html")]
struct ResetPage<'a> {
    shell: Shell,
    form: &'a ResetForm,
    errors: FieldErrors,
}

/// Why a form was refused: beside the field that is meant, else above all of them.
struct FieldErrors {
    field: Option<&'static str>,
    message: String,
}

impl FieldErrors {
    fn of(error: Option<&WebError>) -> Self {
        match error {
            Some(WebError::BadField { field, message }) => Self {
                field: Some(field),
                message: message.clone(),
            },
            Some(other) => Self {
                field: None,
                message: other.to_string(),
            },
            None => Self {
                field: None,
                message: String::new(),
            },
        }
    }

    fn of_field(&self, name: &str) -> Option<&str> {
        (self.field == Some(name)).then_some(self.message.as_str())
    }

    fn above(&self) -> Option<&str> {
        (self.field.is_none() && !self.message.is_empty()).then_some(self.message.as_str())
    }
}

/// A page that cannot be drawn is no reason to panic; templates of plain texts do not fail.
fn html(page: &impl Template) -> String {
    page.render().unwrap_or_default()
}

pub(crate) fn sign_in(form: &SignInForm) -> String {
    let error = form.error.as_ref().map(ToString::to_string);
    html(&SignInPage {
        shell: Shell::bare("Sign in"),
        form,
        error,
    })
}

pub(crate) fn setup(form: &SetupForm) -> String {
    html(&SetupPage {
        shell: Shell::bare("Set up"),
        form,
        errors: FieldErrors::of(form.error.as_ref()),
    })
}

pub(crate) fn link(form: &LinkForm) -> String {
    html(&LinkPage {
        shell: Shell::bare("Sign in"),
        form,
    })
}

pub(crate) fn reset(form: &ResetForm) -> String {
    html(&ResetPage {
        shell: Shell::bare("New password"),
        form,
        errors: FieldErrors::of(form.error.as_ref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_form_keeps_what_was_typed_and_says_why_beside_the_field() {
        let form = SetupForm {
            token: "t".to_owned(),
            email: "<b>@x".to_owned(),
            error: Some(WebError::BadField {
                field: "email",
                message: "Not an e-mail address.".to_owned(),
            }),
            ..SetupForm::default()
        };
        let page = setup(&form);
        assert!(page.contains("value=\"&#60;b&#62;@x\""), "{page}");
        assert!(
            page.contains("id=\"e-email\">Not an e-mail address."),
            "{page}"
        );
    }

    #[test]
    fn before_the_first_account_the_sign_in_page_says_where_the_setup_link_is() {
        let page = sign_in(&SignInForm {
            no_account_yet: true,
            ..SignInForm::default()
        });
        assert!(page.contains("setup link"));
        assert!(!sign_in(&SignInForm::default()).contains("setup link"));
    }
}
