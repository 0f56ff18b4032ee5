/** oidc-provider as npm ships it, a certified identity provider, and a panel that its tokens are for. */

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

import { E2E } from "../stack/processes.ts";
import { installed, type RealPanel } from "../stack/real.ts";

const LIBRARY = path.join(E2E, "real/oidc/node_modules/oidc-provider/lib/index.js");

export const AUDIENCE = "urn:billing";
const CLIENT = { id: "billing-pages", secret: "secret-of-the-panel-at-the-provider-2026" };

export function available(): boolean {
  return installed(LIBRARY);
}

/** A key of the provider, private part too. */
export type Key = Record<string, unknown> & { kid: string };

export function newKey(kid: string): Key {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" };
}

/** An identity provider; its addresses stay when its keys change. */
export class IdentityProvider {
  readonly #server;
  #answer: RequestListener = () => {};
  /** Of access tokens, in seconds. */
  lifetime = 300;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(keys: Key[]): Promise<IdentityProvider> {
    const provider = new IdentityProvider();
    await new Promise<void>((resolve) => provider.#server.listen(0, "127.0.0.1", resolve));
    await provider.use(keys);
    return provider;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Goes on with these keys; it signs with the first one. */
  async use(keys: Key[]): Promise<void> {
    const { Provider } = (await import(LIBRARY)) as { Provider: new (issuer: string, settings: object) => { callback(): RequestListener } };
    this.#answer = new Provider(this.url, this.#settings(keys)).callback();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #settings(keys: Key[]): object {
    const claims = (id: string) => ({ sub: id, email: `${id}@hosting.example`, email_verified: true, name: `${id[0]?.toUpperCase()}${id.slice(1)} at work` });
    return {
      jwks: { keys },
      clients: [
        {
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          // Of these any port of this machine will do (RFC 8252, section 7.3).
          application_type: "native",
          redirect_uris: ["http://127.0.0.1/callback"],
          token_endpoint_auth_method: "client_secret_basic",
        },
      ],
      cookies: { keys: [randomBytes(20).toString("hex")] },
      pkce: { required: () => false },
      conformIdTokenClaims: false,
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
      findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => claims(id) }),
      extraTokenClaims: (_: unknown, token: { accountId: string }) => claims(token.accountId),
      loadExistingGrant: async (ctx: Context) => {
        const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
        grant.addOIDCScope("openid email profile");
        grant.addResourceScope(AUDIENCE, "panel");
        await grant.save();
        return grant;
      },
      features: {
        resourceIndicators: {
          enabled: true,
          defaultResource: () => AUDIENCE,
          useGrantedResource: () => true,
          getResourceServerInfo: () => ({
            scope: "panel",
            audience: AUDIENCE,
            accessTokenFormat: "jwt",
            accessTokenTTL: this.lifetime,
            jwt: { sign: { alg: "RS256" } },
          }),
        },
      },
    };
  }
}

interface Grant {
  addOIDCScope(scope: string): void;
  addResourceScope(resource: string, scope: string): void;
  save(): Promise<string>;
}

interface Context {
  oidc: {
    client: { clientId: string };
    session: { accountId: string };
    provider: { Grant: new (of: { clientId: string; accountId: string }) => Grant };
  };
}

/** What the provider gave for one sign-in. */
export interface Tokens {
  access_token: string;
  id_token: string;
}

/**
 * The panel: its pages send whoever comes to the provider, and its scripts send the access token
 * with each call. It checks nothing itself, so that whoever is named was verified by Admintrail.
 */
export async function startPanel(provider: IdentityProvider, secrets: string[]): Promise<RealPanel> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
    const back = `${url.origin}/callback`;
    const html = (text: string) => response.writeHead(200, { "content-type": "text/html" }).end(text);
    if (url.pathname === "/sign-in") {
      const asked = { client_id: CLIENT.id, response_type: "code", scope: "openid email profile panel", redirect_uri: back, prompt: "login" };
      return response.writeHead(302, { location: `${provider.url}/auth?${new URLSearchParams(asked)}` }).end();
    }
    if (url.pathname === "/callback") {
      const code = url.searchParams.get("code") ?? "";
      const tokens = await redeem(provider, code, back);
      secrets.push(code, tokens.access_token, tokens.id_token);
      return html(`<h1>Signed in</h1><script>
        const tokens = ${JSON.stringify(tokens)};
        const call = (path, token = tokens.access_token, method = "GET") =>
          fetch(path, { method, headers: { authorization: "Bearer " + token } }).then((answer) => answer.status);
      </script>`);
    }
    if (url.pathname.startsWith("/api/")) {
      return response.writeHead(200, { "content-type": "application/json" }).end("{}");
    }
    return html('<h1>Billing</h1><a href="/sign-in">Sign in</a>');
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  secrets.push(CLIENT.secret);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    secrets,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function redeem(provider: IdentityProvider, code: string, back: string): Promise<Tokens> {
  const answer = await fetch(`${provider.url}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: back }),
  });
  if (!answer.ok) throw new Error(`the provider says ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Tokens;
}
