/** WordPress as Debian ships it, on a MariaDB of its own, served by PHP. */

import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { E2E } from "../stack/processes.ts";
import type { RealPanel } from "../stack/real.ts";
import { mariaDbInstalled, onMariaDb } from "./mariadb.ts";
import { php, phpInstalled, startPhp } from "./php.ts";

const PACKAGE = "/usr/share/wordpress";
const SCRIPTS = path.join(E2E, "real/wordpress");

export const OLENA = { name: "olena", role: "administrator", password: "olena-Wp-pass-2026" };
export const TOM = { name: "tom", role: "administrator", password: "tom-Wp-pass-2026" };
/** A subscriber: may sign in, may not manage anything. */
export const INES = { name: "ines", role: "subscriber", password: "ines-Wp-pass-2026" };

const SALT = "a-salt-of-this-test-only-0123456789";

export function available(): boolean {
  return existsSync(`${PACKAGE}/wp-login.php`) && phpInstalled() && mariaDbInstalled();
}

export async function start(folder: string): Promise<RealPanel> {
  const root = path.join(folder, "www");
  // The package keeps parts of it elsewhere and leaves links.
  cpSync(PACKAGE, root, { recursive: true, dereference: true });
  mkdirSync(path.join(root, "wp-content/uploads"));
  plainTheme(path.join(root, "wp-content/themes/plain"));
  plainPlugin(path.join(root, "wp-content/plugins/greeting.php"));
  const secrets = [OLENA.password, TOM.password, INES.password, SALT];
  return onMariaDb("wordpress", folder, secrets, async (database) => {
    await database.sql("CREATE DATABASE wordpress");
    writeFileSync(path.join(root, "wp-config.php"), configuration(database.socket));
    const people = JSON.stringify({ people: [OLENA, TOM, INES] });
    await php([path.join(SCRIPTS, "setup.php"), root], people);
    const uploads = { upload_max_filesize: "8M", post_max_size: "8M", memory_limit: "256M" };
    return startPhp("wordpress", root, uploads, [path.join(SCRIPTS, "router.php")]);
  });
}

/** The address is the one that the browser used, so that nothing leads around Admintrail. */
function configuration(socket: string): string {
  const keys = ["AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE"];
  const salts = keys.flatMap((key) => [`${key}_KEY`, `${key}_SALT`]);
  return `<?php
define('DB_NAME', 'wordpress');
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:${socket}');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
${salts.map((name) => `define('${name}', '${SALT}-${name}');`).join("\n")}
$table_prefix = 'wp_';
$_SERVER['HTTP_HOST'] ??= 'localhost';
define('WP_HOME', 'http://' . $_SERVER['HTTP_HOST']);
define('WP_SITEURL', 'http://' . $_SERVER['HTTP_HOST']);
// It asks itself, and the world, for updates otherwise.
define('DISABLE_WP_CRON', true);
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('FS_METHOD', 'direct');
if (!defined('ABSPATH')) {
    define('ABSPATH', __DIR__ . '/');
}
require_once ABSPATH . 'wp-settings.php';
`;
}

/** A second theme, to switch to. */
function plainTheme(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "style.css"), "/*\nTheme Name: Plain\nVersion: 1.0\n*/\n");
  const page = "<?php wp_head(); while (have_posts()) { the_post(); the_content(); } comments_template(); wp_footer();\n";
  writeFileSync(path.join(folder, "index.php"), page);
}

/** A plugin, to be switched on and off. */
function plainPlugin(file: string): void {
  writeFileSync(file, "<?php\n/*\nPlugin Name: Greeting\nVersion: 1.0\n*/\n");
}
