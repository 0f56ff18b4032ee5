/** phpMyAdmin as Debian ships it, on a MariaDB of its own, served by PHP. */

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import type { RealPanel } from "../stack/real.ts";
import { mariaDbInstalled, onMariaDb } from "./mariadb.ts";
import { phpInstalled, startPhp } from "./php.ts";

const PACKAGE = "/usr/share/phpmyadmin";

export const OLENA = { name: "olena", password: "olena-Db-pass-2026" };
export const TOM = { name: "tom", password: "tom-Db-pass-2026" };

/** Encrypts its cookies; 32 bytes. */
const KEY = "a-key-of-this-test-only-01234567";

export function available(): boolean {
  return existsSync(`${PACKAGE}/index.php`) && phpInstalled() && mariaDbInstalled();
}

export async function start(folder: string): Promise<RealPanel> {
  const root = path.join(folder, "www");
  // The package keeps parts of it elsewhere and leaves links.
  cpSync(PACKAGE, root, { recursive: true, dereference: true });
  for (const name of ["sessions", "tmp"]) mkdirSync(path.join(folder, name));
  const secrets = [OLENA.password, TOM.password, KEY];
  return onMariaDb("phpmyadmin", folder, secrets, async (database) => {
    await database.sql(`
      CREATE DATABASE shop;
      CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT, customer VARCHAR(40), total INT);
      INSERT INTO shop.orders (customer, total) VALUES ('Northwind', 120), ('Contoso', 80);
      ${[OLENA, TOM].map(({ name, password }) => `
        CREATE USER ${name}@localhost IDENTIFIED BY '${password}';
        GRANT ALL PRIVILEGES ON *.* TO ${name}@localhost WITH GRANT OPTION;`).join("")}
    `);
    configure(root, folder, database.socket);
    return startPhp("phpmyadmin", root, {
      "session.save_path": path.join(folder, "sessions"),
      display_errors: "0",
    });
  });
}

/** Points it at a configuration of the test's own instead of the machine's. */
function configure(root: string, folder: string, socket: string): void {
  const own = path.join(folder, "config.inc.php");
  const vendor = path.join(root, "libraries/vendor_config.php");
  const text = readFileSync(vendor, "utf8")
    .replace(/('configFile' => ).*/, `$1'${own}',`)
    .replace(/('tempDir' => ).*/, `$1'${path.join(folder, "tmp")}/',`)
    .replace(/('cacheDir' => ).*/, `$1'${path.join(folder, "tmp")}/',`);
  writeFileSync(vendor, text);
  writeFileSync(
    own,
    `<?php
$cfg['blowfish_secret'] = '${KEY}';
$cfg['Servers'][1]['auth_type'] = 'cookie';
$cfg['Servers'][1]['host'] = 'localhost';
$cfg['Servers'][1]['socket'] = '${socket}';
$cfg['PmaNoRelation_DisableWarning'] = true;
$cfg['VersionCheck'] = false;
$cfg['SendErrorReports'] = 'never';
`,
  );
}
