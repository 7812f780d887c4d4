import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createClient, type HttpClient } from '@ict/fetch';
import type { IctError } from '@ict/plugin-api';
import { afterEach, beforeEach } from 'vitest';
import { openAwsLogin, type AwsLogin } from '../../src/stores/aws-login.js';
import { NOW } from '../world.js';

/** What came over the wire. */
export interface AskedOfAws {
  /** `METHOD /path?query`. */
  readonly what: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What the server answers in the place of what it would; `never`: it does not. */
export type AwsAnswer = { readonly status?: number; readonly text?: string; readonly headers?: Readonly<Record<string, string>> } | 'never';

/** A machine with files of AWS's tools, and a server that is STS, the agent of its container and the metadata of its instance. */
export interface AwsWorld {
  readonly home: string;
  readonly url: string;
  readonly asked: AskedOfAws[];
  readonly client: HttpClient;
  /** Waits a moment for an answer. */
  readonly impatient: HttpClient;
  /** Seconds since 1970. */
  now: number;
  /** How long the keys last that the server gives, seconds. */
  lifetime: number;
  /** Answers so to `METHOD /path`, whatever its query. */
  answer(what: string, answer: AwsAnswer): void;
  /** Writes a file below the home directory. */
  write(name: string, text: string): string;
  /** Of this home, with the server as STS; no instance, unless `env` says otherwise. */
  login(env?: Readonly<Record<string, string>>, transport?: Partial<Parameters<typeof openAwsLogin>[0]>): AwsLogin;
  /** Variables of an instance whose metadata the server is. */
  readonly instance: Readonly<Record<string, string>>;
}

export let aws: AwsWorld;

/** Secrets of all answers and files begin so: whatever is told may hold none. */
export const SECRET_MARK = 'se+cr/et';

/** Of keys of this name. */
export const secretOf = (name: string): string => `${SECRET_MARK}-${name}=`;
export const tokenOf = (name: string): string => `${SECRET_MARK}-token-${name}`;

export function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** Keys as metadata and agents say them. */
export function keysJson(name: string, expires?: number, token = 'Token'): string {
  const keys = { AccessKeyId: name, SecretAccessKey: secretOf(name), [token]: tokenOf(name) };
  return JSON.stringify({ ...keys, ...(expires === undefined ? {} : { Expiration: iso(expires) }) });
}

/** Keys as STS says them. */
export function keysXml(name: string, expires: number): string {
  return `<AssumeRoleResponse><AssumeRoleResult><Credentials>
    <AccessKeyId>${name}</AccessKeyId><SecretAccessKey>${secretOf(name)}</SecretAccessKey>
    <SessionToken>${tokenOf(name)}</SessionToken><Expiration>${iso(expires)}</Expiration>
  </Credentials></AssumeRoleResult></AssumeRoleResponse>`;
}

export function useAws(): void {
  let close: () => Promise<void>;
  beforeEach(async () => {
    const home = mkdtempSync(join(tmpdir(), 'ict-aws-'));
    const asked: AskedOfAws[] = [];
    const answers = new Map<string, AwsAnswer>();
    let given = 0;
    const usual = (what: string): AwsAnswer => {
      const expires = aws.now + aws.lifetime;
      if (what === 'POST /') return { text: keysXml(`STS${(given += 1)}`, expires) };
      if (what === 'GET /container') return { text: keysJson(`CONTAINER${(given += 1)}`, expires) };
      if (what === 'PUT /latest/api/token') return { text: 'metadata-token==' };
      if (what === 'GET /latest/meta-data/iam/security-credentials/') return { text: 'builder' };
      if (what === 'GET /latest/meta-data/iam/security-credentials/builder') return { text: keysJson(`INSTANCE${(given += 1)}`, expires) };
      if (what === 'GET /latest/meta-data/placement/region') return { text: 'eu-north-1' };
      return { status: 404 };
    };
    const server = createServer(async (request, response) => {
      const { method, url = '/', headers } = request;
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      asked.push({ what: `${method} ${url}`, headers, body: Buffer.concat(pieces).toString() });
      const what = `${method} ${url.split('?')[0]}`;
      const answer = answers.get(what) ?? usual(what);
      if (answer === 'never') return;
      response.sendDate = false;
      response.writeHead(answer.status ?? 200, { date: new Date(aws.now * 1000).toUTCString(), ...answer.headers }).end(answer.text ?? '');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const timer = { now: () => 0, sleep: () => Promise.resolve(), random: () => 0 };
    const common = { env: {}, timer, retry: { retries: 1 } };
    const client = createClient(common);
    const impatient = createClient({ ...common, timeouts: { headersMs: 100 } });
    const write = (name: string, text: string): string => {
      const file = join(home, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    };
    aws = {
      home,
      url,
      asked,
      client,
      impatient,
      now: NOW,
      lifetime: 3600,
      answer: (what, answer) => answers.set(what, answer),
      write,
      login: (env = {}, transport = {}) => {
        const own = { HOME: home, AWS_EC2_METADATA_DISABLED: 'true', AWS_ENDPOINT_URL_STS: url };
        return openAwsLogin({ client, env: { ...own, ...env }, clock: () => aws.now, ...transport });
      },
      instance: { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: url },
    };
    close = async () => {
      await Promise.all([client.close(), impatient.close()]);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(home, { recursive: true });
    };
  });
  afterEach(() => close());
}

/** The failure of what has to fail, of which nothing that is told holds a secret. */
export async function refusalOf(work: Promise<unknown>): Promise<IctError> {
  const failure: unknown = await work.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error,
  );
  const told = textOf(failure);
  if (told.includes(SECRET_MARK)) throw new Error('a secret was told');
  return failure as IctError;
}

/** All that is in errors, with their causes. */
function textOf(value: unknown): string {
  if (!(value instanceof Error)) return JSON.stringify(value) ?? '';
  return [value.message, value.stack, JSON.stringify(value), JSON.stringify(Object.entries(value)), textOf(value.cause)].join('\n');
}

/** Names of the keys that a login has now. */
export async function keyOf(login: AwsLogin): Promise<string | undefined> {
  return (await login.settings()).credentials?.keyId;
}

/** The form that STS was sent last. */
export function lastForm(): Readonly<Record<string, string>> {
  return Object.fromEntries(new URLSearchParams(aws.asked.findLast(({ what }) => what === 'POST /')?.body));
}
