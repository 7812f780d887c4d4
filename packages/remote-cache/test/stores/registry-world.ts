import { readFileSync } from 'node:fs';
import { afterEach } from 'vitest';
import { openStore, type Store, type StoreUse } from '../../src/stores/store.js';
import { world } from '../world.js';
import { FakeRegistry, type RegistryRules } from './fake-registry.js';

export const PLACE = 'v1/blobs/sha256/ab/abcd.zst';
export const content = Buffer.from('what a layer holds '.repeat(1000));

/** That of the test. */
export let registry: FakeRegistry;

/** Ends the registry of each test of a file. */
export function useRegistry(): void {
  afterEach(() => registry.close());
}

export async function start(rules: RegistryRules = {}): Promise<FakeRegistry> {
  registry = await FakeRegistry.start(rules);
  return registry;
}

export interface Opening {
  readonly who?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly use?: StoreUse;
}

export function open({ who = '', env = {}, use = 'write' }: Opening = {}): Store {
  const address = `oci+http://${who === '' ? '' : `${who}@`}${registry.host}/acme/ict-cache`;
  return openStore(address, { ...world.transport, env: { HOME: world.root, PATH: process.env['PATH'], ...env } }, use);
}

export async function put(store: Store, bytes: Buffer = content, place = PLACE): Promise<void> {
  await store.put(place, world.blob(bytes).file);
}

/** What the store has, or says of it. */
export async function get(store: Store, maxBytes = 100_000): Promise<Buffer | string | undefined> {
  const answer = await store.get({ place: PLACE, maxBytes });
  return answer === undefined ? undefined : 'file' in answer ? readFileSync(answer.file) : answer.fault;
}
