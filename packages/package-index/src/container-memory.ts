import { readFile } from 'node:fs/promises';
import { hasCode } from '@ict/plugin-api';
import type { Context, Digest, Json } from '@ict/plugin-api';
import type { SectionsKind } from './container-sections.js';

/** What of a context remembers containers. */
export type ContainerContext = Pick<Context, 'blobs' | 'memo'>;

/**
 * What a container that was kept holds, or undefined when it is not to be had: then what it was made of is read again.
 *
 * @param question what the container is a function of.
 * @param decode throws `ICT_PACKAGE_INDEX_INVALID` for a container that it cannot use.
 */
export async function recallContainer<T>(
  kind: SectionsKind,
  question: Json,
  ctx: ContainerContext,
  decode: (container: Uint8Array) => T,
): Promise<T | undefined> {
  const digest = digestIn(await ctx.memo.get(memoKind(kind), keyOf(kind, question)));
  const file = digest && (await ctx.blobs.path(digest));
  if (file === undefined) return undefined;
  try {
    return decode(await readFile(file));
  } catch (error) {
    if (hasCode(error, 'ICT_PACKAGE_INDEX_INVALID')) return undefined;
    throw error;
  }
}

/**
 * Keeps a container for {@link recallContainer}.
 *
 * @param container given away: its memory is free when this returns, and empty for whoever still looks at it. Containers of large archives
 *   have tens of megabytes, which would otherwise stay until the collector gets there.
 */
export async function keepContainer(
  kind: SectionsKind,
  question: Json,
  ctx: ContainerContext,
  container: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const { digest } = await ctx.blobs.putBytes(container);
  container.buffer.transfer(0);
  await ctx.memo.set(memoKind(kind), keyOf(kind, question), { digest });
}

function memoKind({ kind }: SectionsKind): string {
  return `index.${kind}`;
}

function keyOf({ kind, version }: SectionsKind, question: Json): Json {
  return { kind, version, question };
}

function digestIn(value: Json | undefined): Digest | undefined {
  if (typeof value !== 'object' || value === null || !('digest' in value)) return undefined;
  return typeof value['digest'] === 'string' ? (value['digest'] as Digest) : undefined;
}
