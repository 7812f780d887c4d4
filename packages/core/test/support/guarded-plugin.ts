import type { BuildContext, Context, ImageFormat, Provider, ResolutionRequest } from '@ict/plugin-api';
import { PluginCalls } from '../../src/plugins/plugin-calls.js';

export const plugin = { name: '@acme/toy', version: '1.2.3' };
export const digest = `sha256:${'1'.repeat(64)}`;
export const repository = { id: 'main', archive: 'http://archive', suite: '', components: [], keyrings: [] };
export const root = { path: 'root', digest, sizeBytes: 1, dateSeconds: 1_760_000_000 };
export const snapshot = { repository, root, signers: ['ABCD'], indexes: [{ path: 'index', digest, sizeBytes: 1 }] };
export const base = {
  id: 'base:any',
  name: 'base',
  version: '1',
  arch: 'any',
  repository: 'main',
  path: 'base',
  digest,
  sizeBytes: 1,
  requires: [],
};
export const more = { ...base, name: 'more' };
export const member = { ...base, requestedBy: ['template'] };
export const resolved = (packages: unknown) => ({ kind: 'resolved', closure: { packages }, warnings: [] });

export const answering = (answers: unknown) => ({ kind: 'resolved', closure: { packages: [member], answers }, warnings: [] });

/** A provider of which one function is this. */
export function provider(name: string, work: (...args: never[]) => unknown): Provider {
  const [part = '', member] = name.split('.');
  return new PluginCalls().guard({ [part]: member === undefined ? work : { [member]: work } }, plugin) as unknown as Provider;
}

export const ctx = { signal: new AbortController().signal } as Context;
export const request = { snapshots: [snapshot], seeds: [] } as unknown as ResolutionRequest;
export const resolve = (answer: unknown) => provider('resolver.resolve', async () => answer).resolver.resolve(request, ctx);
export const pin = (answer: unknown) => provider('metadata.snapshot', async () => answer).metadata.snapshot(repository, 'x86_64', ctx);
export const list = (answer: unknown) => provider('inventory.list', async () => answer).inventory.list({} as never);
export const needs = (answer: unknown) => (provider('requires', () => answer) as unknown as ImageFormat).requires({} as never, {} as never);
export const stream = (work: () => unknown) => provider('metadata.packages', work).metadata.packages(snapshot as never, ctx);
export const describePackage = (answer: unknown) =>
  provider('catalogue.describe', async () => answer).catalogue!.describe(snapshot as never, 'base', ctx);
export const blob = { kind: 'blob', digest, sizeBytes: 1 };
export const make = (answer: unknown) =>
  (provider('build', async () => answer) as unknown as ImageFormat).build({} as never, {} as never, ctx as BuildContext);
