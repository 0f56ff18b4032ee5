/** Requests of the past, for what needs many of them or particular ones. */

/** An event as `import --format ndjson` takes it. */
export interface Submitted {
  time: string;
  method: string;
  path: string;
  panel?: string;
  id?: string;
  [field: string]: unknown;
}

const MINUTE = 60_000;

export function ago(minutes: number): string {
  return new Date(Date.now() - minutes * MINUTE).toISOString();
}

const PEOPLE = [
  { admin: "olena@hosting.example", admin_name: "Olena Kravets", ip: "198.51.100.7", session: "77f0e1b8" },
  { admin: "tom@hosting.example", admin_name: "Tom Berg", ip: "203.0.113.90", session: "e1137c44" },
  { admin: "ines@hosting.example", admin_name: "Ines Duarte", ip: "2001:db8:4::91", session: "c9e2ab10" },
];

const REQUESTS = [
  { method: "GET", path: "/clients", status: 200, type: "WEB", action: "Listed clients" },
  { method: "GET", path: "/api/invoices", status: 200, type: "API", action: "Listed invoices" },
  { method: "PUT", path: "/api/settings/mail", status: 200, type: "API", action: "Changed settings" },
  { method: "DELETE", path: "/api/client/4711", status: 403, type: "API", action: "Denied: delete client 4711" },
  { method: "POST", path: "/tickets", status: 302, type: "WEB", action: "Created ticket" },
  { method: "GET", path: "/reports", status: 500, type: "WEB", action: "Error: viewed reports" },
];

/** As many requests as asked for, `n=0` the newest, evenly over the last `hours`. */
export function manyRequests(count: number, hours: number): Submitted[] {
  const step = (hours * 60) / count;
  return Array.from({ length: count }, (_, n) => {
    const person = PEOPLE[n % PEOPLE.length] ?? {};
    const request = REQUESTS[n % REQUESTS.length] ?? { method: "GET", path: "/", status: 200 };
    const session = `${(person as { session?: string }).session}${"0".repeat(24)}`;
    return {
      time: ago(1 + n * step),
      ...person,
      ...request,
      session,
      query: `n=${n}`,
      duration_us: 1_000 * (1 + (n % 900)),
      user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    };
  });
}

/** One request of each kind that a filter word tells from the others; the path says which. */
export function oneOfEachKind(): Submitted[] {
  const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
  const chrome = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/148.0.0.0 Safari/537.36";
  const olena = {
    admin: "olena@hosting.example",
    admin_name: "Olena Kravets",
    ip: "198.51.100.7",
    session: "77f0e1b8000000000000000000000001",
    user_agent: firefox,
  };
  const tom = {
    admin: "tom@hosting.example",
    admin_name: "Tom Berg",
    ip: "203.0.113.90",
    session: "e1137c44000000000000000000000002",
    user_agent: chrome,
  };
  return [
    { time: ago(60), method: "GET", path: "/client/1", query: "tab=notes", status: 200, type: "WEB", action: "Viewed client 1", object: "client/1", duration_us: 3_000, ...olena },
    { time: ago(59), method: "PUT", path: "/api/settings/mail", status: 200, type: "API", action: "Changed settings", object: "settings/mail", duration_us: 812_000, ...olena },
    { time: ago(58), method: "DELETE", path: "/api/client/4711", status: 403, type: "API", action: "Denied: delete client 4711", object: "client/4711", duration_us: 9_000, ...tom },
    { time: ago(57), method: "POST", path: "/login", status: 401, type: "WEB", action: "Failed sign-in as root", known_by: "attempt", attempted: "root", ip: "45.83.64.11", duration_us: 300_000, user_agent: "curl/8.5.0" },
    { time: ago(56), method: "GET", path: "/report", status: 500, type: "WEB", action: "Error: viewed report", duration_us: 1_830_000, ...tom },
    { time: ago(55), method: "GET", path: "/gone", status: 404, type: "WEB", action: "Failed: viewed gone", duration_us: 2_000, ...olena },
    { time: ago(54), method: "GET", path: "/heartbeat", status: 200, type: "API", action: "Viewed heartbeat", polling: true, duration_us: 1_000, ...tom },
    { time: ago(53), method: "GET", path: "/style.css", status: 200, type: "WEB", action: "Viewed style.css", asset: true, duration_us: 1_000, ...tom },
  ];
}
