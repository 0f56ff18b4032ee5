//! What there is to visit: four panels, each with a preset that knows it.

use super::panel::{PageRow, PanelRow};

const fn page(
    weight: u64,
    load: &'static str,
    calls: &'static [&'static str],
    deeds: &'static [&'static str],
) -> PageRow {
    PageRow {
        weight,
        load,
        calls,
        deeds,
        poll: None,
    }
}

const fn polled(mut row: PageRow, request: &'static str, seconds: i64) -> PageRow {
    row.poll = Some((request, seconds));
    row
}

pub(super) const PANELS: &[PanelRow] = &[
    PanelRow {
        name: "billing",
        preset: "puqcloud",
        weight: 66,
        sign_in: "POST /admin/login",
        assets: &[
            "GET /static/admin/css/app.css",
            "GET /static/admin/js/app.js",
            "GET /static/admin/js/datatables.js",
            "GET /static/admin/img/logo.svg",
            "GET /static/admin/fonts/inter.woff2",
        ],
        pages: BILLING,
    },
    PanelRow {
        name: "shop",
        preset: "django-admin",
        weight: 14,
        sign_in: "POST /admin/login/",
        assets: &[
            "GET /static/admin/css/base.css",
            "GET /static/admin/css/changelists.css",
            "GET /static/admin/js/core.js",
            "GET /static/admin/img/icon-yes.svg",
        ],
        pages: SHOP,
    },
    PanelRow {
        name: "support",
        preset: "generic",
        weight: 10,
        sign_in: "POST /login",
        assets: &[
            "GET /assets/support.css",
            "GET /assets/support.js",
            "GET /assets/paperclip.png",
        ],
        pages: SUPPORT,
    },
    PanelRow {
        name: "cloud",
        preset: "generic",
        weight: 10,
        sign_in: "POST /auth/login",
        assets: &["GET /ui/main.css", "GET /ui/main.js", "GET /ui/chart.js"],
        pages: CLOUD,
    },
];

const BILLING: &[PageRow] = &[
    polled(
        page(
            10,
            "GET /admin",
            &[
                "GET /admin/api/dashboard",
                "GET /admin/api/dashboard/widgets",
                "GET /admin/api/my_account",
                "GET /admin/api/clients?",
            ],
            &["PUT /admin/api/dashboard"],
        ),
        "GET /admin/api/my_account/bell_notification",
        30,
    ),
    page(
        10,
        "GET /admin/clients",
        &["GET /admin/api/clients?", "GET /admin/api/settings"],
        &["POST /admin/api/client"],
    ),
    page(
        48,
        "GET /admin/client/{uuid}/summary",
        &[
            "GET /admin/api/client/{uuid}",
            "GET /admin/api/client/{uuid}/addresses",
            "GET /admin/api/client/{uuid}/users",
            "GET /admin/api/client/{uuid}/transactions?",
            "GET /admin/api/client/{uuid}/summary/dashboard",
            "GET /admin/api/settings",
        ],
        &[
            "PUT /admin/api/client/{uuid}",
            "POST /admin/api/client/{uuid}/address",
            "POST /admin/api/client/{uuid}/transaction",
        ],
    ),
    page(
        15,
        "GET /admin/client/{uuid}/services",
        &[
            "GET /admin/api/client/{uuid}/services?",
            "GET /admin/api/client/{uuid}",
            "GET /admin/api/my_account",
        ],
        &[],
    ),
    page(
        6,
        "GET /admin/services",
        &["GET /admin/api/services?", "GET /admin/api/dashboard"],
        &["POST /admin/api/service"],
    ),
    page(
        30,
        "GET /admin/service/{uuid}",
        &[
            "GET /admin/api/service/{uuid}",
            "GET /admin/api/service/{uuid}/module",
            "GET /admin/api/my_account",
        ],
        &[
            "PUT /admin/api/service/{uuid}/status",
            "POST /admin/api/service/{uuid}/action",
            "DELETE /admin/api/service/{uuid}",
        ],
    ),
    page(
        7,
        "GET /admin/invoices",
        &[
            "GET /admin/api/invoices?",
            "GET /admin/api/settings/general",
        ],
        &[],
    ),
    page(
        16,
        "GET /admin/invoice/{uuid}",
        &["GET /admin/api/invoice/{uuid}", "GET /admin/api/my_account"],
        &[
            "PUT /admin/api/invoice/{uuid}/publish",
            "POST /admin/api/invoice/{uuid}/add_payment",
            "GET /admin/api/invoice/{uuid}/pdf",
        ],
    ),
    polled(
        page(3, "GET /admin/task_queue", &["GET /admin/api/tasks?"], &[]),
        "GET /admin/api/tasks?",
        5,
    ),
    page(
        5,
        "GET /admin/activity_logs",
        &["GET /admin/api/activity_logs?"],
        &[],
    ),
    page(
        5,
        "GET /admin/settings/mail",
        &["GET /admin/api/settings/mail"],
        &["PUT /admin/api/settings/mail"],
    ),
    page(
        3,
        "GET /admin/general_settings",
        &["GET /admin/api/general_settings"],
        &["PUT /admin/api/general_settings"],
    ),
];

const SHOP: &[PageRow] = &[
    page(10, "GET /admin/", &["GET /admin/jsi18n/"], &[]),
    page(
        20,
        "GET /admin/orders/order/?",
        &["GET /admin/jsi18n/", "GET /admin/autocomplete/?"],
        &["POST /admin/orders/order/"],
    ),
    page(
        22,
        "GET /admin/orders/order/{id}/change/",
        &["GET /admin/jsi18n/", "GET /admin/autocomplete/?"],
        &["POST /admin/orders/order/{id}/change/"],
    ),
    page(
        8,
        "GET /admin/orders/order/{id}/history/",
        &["GET /admin/jsi18n/"],
        &[],
    ),
    page(
        12,
        "GET /admin/catalog/product/?",
        &["GET /admin/jsi18n/"],
        &[],
    ),
    page(
        14,
        "GET /admin/catalog/product/{id}/change/",
        &["GET /admin/jsi18n/", "GET /admin/autocomplete/?"],
        &[
            "POST /admin/catalog/product/{id}/change/",
            "POST /admin/catalog/product/{id}/delete/",
        ],
    ),
    page(6, "GET /admin/auth/user/?", &["GET /admin/jsi18n/"], &[]),
    page(
        4,
        "GET /admin/auth/user/{id}/password/",
        &["GET /admin/jsi18n/"],
        &["POST /admin/auth/user/{id}/password/"],
    ),
];

const SUPPORT: &[PageRow] = &[
    polled(
        page(
            20,
            "GET /tickets",
            &["GET /api/tickets?", "GET /api/queues", "GET /api/agents"],
            &["POST /api/tickets"],
        ),
        "GET /api/tickets/unread?",
        10,
    ),
    page(
        40,
        "GET /tickets/{id}",
        &[
            "GET /api/tickets/{id}",
            "GET /api/tickets/{id}/messages",
            "GET /api/tickets/{id}/attachments",
            "GET /api/agents",
            "GET /api/macros",
        ],
        &[
            "POST /api/tickets/{id}/messages",
            "PATCH /api/tickets/{id}",
            "POST /api/tickets/{id}/close",
        ],
    ),
    page(
        10,
        "GET /customers",
        &["GET /api/customers?", "GET /api/segments"],
        &[],
    ),
    page(
        12,
        "GET /customers/{id}",
        &[
            "GET /api/customers/{id}",
            "GET /api/customers/{id}/tickets?",
        ],
        &[
            "PUT /api/customers/{id}",
            "DELETE /api/customers/{id}/notes",
        ],
    ),
    page(
        6,
        "GET /reports/satisfaction",
        &["GET /api/reports/satisfaction?"],
        &[],
    ),
];

const CLOUD: &[PageRow] = &[
    polled(
        page(
            14,
            "GET /dashboard",
            &[
                "GET /api/v1/regions",
                "GET /api/v1/usage?",
                "GET /api/v1/servers?",
            ],
            &[],
        ),
        "GET /api/v1/usage?",
        30,
    ),
    page(
        16,
        "GET /servers",
        &[
            "GET /api/v1/servers?",
            "GET /api/v1/images",
            "GET /api/v1/regions",
        ],
        &["POST /api/v1/servers"],
    ),
    page(
        24,
        "GET /servers/{uuid}",
        &[
            "GET /api/v1/servers/{uuid}",
            "GET /api/v1/servers/{uuid}/metrics?",
            "GET /api/v1/quotas",
        ],
        &[
            "POST /api/v1/servers/{uuid}/reboot",
            "PATCH /api/v1/servers/{uuid}",
            "DELETE /api/v1/servers/{uuid}",
        ],
    ),
    page(
        8,
        "GET /volumes",
        &["GET /api/v1/volumes?", "GET /api/v1/quotas"],
        &[],
    ),
    page(
        6,
        "GET /firewalls",
        &["GET /api/v1/firewalls"],
        &["PUT /api/v1/firewalls"],
    ),
];
