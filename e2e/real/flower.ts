/** Flower as PyPI ships it, in front of a Celery worker, both on a RabbitMQ of their own. */

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { E2E, freePort, start as run } from "../stack/processes.ts";
import { installed, type RealPanel } from "../stack/real.ts";
import * as rabbitmq from "./rabbitmq.ts";

export const OLENA = { name: "olena", password: "olena-Flower-pass-2026" };
export const TOM = { name: "tom", password: "tom-Flower-pass-2026" };

/** Of the worker; Celery adds what it likes to anything shorter. */
export const WORKER = "billing@test";

const CELERY = path.join(E2E, ".venv/bin/celery");
const LIBRARIES = path.join(E2E, ".venv/lib");

export function available(): boolean {
  return rabbitmq.available() && installed(CELERY) && readdirSync(LIBRARIES).some((python) => installed(path.join(LIBRARIES, python, "site-packages/flower")));
}

const PROGRAM = `
from celery import Celery

app = Celery("billing", broker="BROKER", backend="file://FOLDER/results")
app.conf.update(
    broker_connection_retry_on_startup=True,
    worker_send_task_events=True,
    task_send_sent_event=True,
    worker_pool_restarts=True,
)

@app.task(name="billing.invoice")
def invoice(number):
    return f"sent {number}"
`;

export async function start(folder: string): Promise<RealPanel> {
  for (const name of ["results", "broker"]) mkdirSync(path.join(folder, name));
  const broker = await rabbitmq.start(path.join(folder, "broker"));
  writeFileSync(path.join(folder, "billing.py"), PROGRAM.replace("BROKER", broker.amqp).replace("FOLDER", folder));
  const variables = { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" };
  const port = await freePort();
  const worker = run("real-flower-worker", CELERY, ["-A", "billing", "worker", "-n", WORKER, "--concurrency", "2", "-l", "INFO"], variables);
  const people = [OLENA, TOM].map(({ name, password }) => `${name}:${password}`).join(",");
  const flags = ["--address=127.0.0.1", `--port=${port}`, `--basic-auth=${people}`, `--broker-api=${broker.url.replace("//", `//${rabbitmq.OLENA.name}:${rabbitmq.OLENA.password}@`)}/api/`];
  const flower = run("real-flower", CELERY, ["-A", "billing", "flower", ...flags], variables);
  const stop = async () => {
    await flower.stop();
    await worker.stop();
    await broker.stop();
  };
  try {
    await worker.says(/ ready\./, 30_000);
    await flower.says(/Connected to amqp/, 30_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, secrets: [OLENA.password, TOM.password, ...broker.secrets], stop };
}
