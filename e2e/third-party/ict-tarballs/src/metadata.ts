import { readFile } from 'node:fs/promises';
import type { Architecture, Context, Digest, IndexRef, MetadataSource, PackageRecord, RepositorySpec, Snapshot } from '@ict/plugin-api';
import { tarballError } from './errors.js';
import { ROOT, type IndexedPackage, type SignedRoot } from './format.js';

const MAX_ROOT_BYTES = 64 * 1024;

export function createMetadataSource(): MetadataSource {
  return { snapshot, packages };
}

/** Fetches the root, believes nothing of it before its signature is good, and pins the index that it names. */
async function snapshot(repository: RepositorySpec, _arch: Architecture, ctx: Context): Promise<Snapshot> {
  ctx.signal.throwIfAborted();
  const fetched = await ctx.fetch.fetch({ url: `${repository.archive}/${ROOT}`, maxBytes: MAX_ROOT_BYTES, conditional: true });
  const bytes = await readFile(fetched.file);
  const { text, signers } = await verifyRoot(bytes, repository, ctx);
  const root = parseRoot(text, repository);
  if (ctx.clock() > root.validUntil) {
    throw tarballError('TARBALLS_EXPIRED', {
      message: `repository "${repository.id}" says that it was valid until ${new Date(root.validUntil * 1000).toISOString()}`,
      hint: 'The mirror is behind: use another.',
      facts: { repository: repository.id },
    });
  }
  // The root stays in the cache: the chain from key to package can be followed again later.
  const { digest, sizeBytes } = await ctx.blobs.putBytes(bytes);
  const { path, sha256, sizeBytes: indexBytes } = root.packages;
  return {
    repository,
    root: { path: ROOT, digest, sizeBytes, dateSeconds: root.date, validUntilSeconds: root.validUntil },
    signers,
    indexes: [{ path, digest: digestOf(sha256), sizeBytes: indexBytes }],
  };
}

async function verifyRoot(
  bytes: Uint8Array,
  repository: RepositorySpec,
  ctx: Context,
): Promise<{ text: string; signers: readonly string[] }> {
  if (repository.keyrings.length === 0) {
    throw tarballError('TARBALLS_KEYRING', {
      message: `repository "${repository.id}" names no keyring`,
      hint: 'Give its keyring with --keyring FILE.',
      facts: { repository: repository.id },
    });
  }
  const keyrings = await Promise.all(repository.keyrings.map((path) => readFile(path)));
  const { good, signers, failures, plaintext } = await ctx.verify.clearsigned(bytes, keyrings, { atSeconds: ctx.clock() });
  const pinned = repository.fingerprints;
  const counting = pinned === undefined ? signers : signers.filter((signer) => pinned.includes(signer));
  if (good && plaintext !== undefined && counting.length > 0) return { text: plaintext, signers: counting };
  throw tarballError('TARBALLS_SIGNATURE', {
    message: `the signature of ${ROOT} of repository "${repository.id}" does not count: ${failures.join('; ') || 'its key is not pinned'}`,
    hint: 'Check the keyring, and whether the mirror is complete.',
    facts: { repository: repository.id, failures },
  });
}

/** Streams the packages for machines of any architecture; the resolver takes those that fit. */
async function* packages(pinned: Snapshot, ctx: Context): AsyncGenerator<PackageRecord> {
  for (const entry of await readIndex(pinned, ctx)) yield toRecord(entry, pinned.repository.id);
}

/** The index of a snapshot: from the cache when it is there, so that an offline build finds it; else checked while it arrives. */
export async function readIndex(pinned: Snapshot, ctx: Context): Promise<readonly IndexedPackage[]> {
  ctx.signal.throwIfAborted();
  const [index] = pinned.indexes as [IndexRef];
  const file = (await ctx.blobs.path(index.digest)) ?? (await fetchIndex(pinned.repository, index, ctx));
  const parsed = JSON.parse(await readFile(file, 'utf8')) as unknown;
  if (Array.isArray(parsed) && parsed.every(isPackage)) return parsed;
  throw malformed(pinned.repository, index.path);
}

async function fetchIndex({ archive }: RepositorySpec, { path, digest, sizeBytes }: IndexRef, ctx: Context): Promise<string> {
  const fetched = await ctx.fetch.fetch({ url: `${archive}/${path}`, maxBytes: sizeBytes, expect: { digest, sizeBytes } });
  await ctx.blobs.putFile(fetched.file, fetched);
  return (await ctx.blobs.path(digest)) as string;
}

export function toRecord({ name, version, arch, path, sha256, sizeBytes }: IndexedPackage, repository: string): PackageRecord {
  return { name, version, arch, repository, path, digest: digestOf(sha256), sizeBytes };
}

function digestOf(sha256: string): Digest {
  return `sha256:${sha256}` as Digest;
}

function parseRoot(text: string, repository: RepositorySpec): SignedRoot {
  const root = JSON.parse(text) as Partial<SignedRoot>;
  if (isCount(root.date) && isCount(root.validUntil) && root.packages !== undefined && isFile(root.packages)) return root as SignedRoot;
  throw malformed(repository, ROOT);
}

function malformed(repository: RepositorySpec, path: string): Error {
  return tarballError('TARBALLS_INDEX', {
    message: `${path} of repository "${repository.id}" is not what this plugin reads`,
    hint: 'The repository was made by something newer, or is broken; report it to the repository.',
    facts: { repository: repository.id, path },
  });
}

/** Even what is signed is checked before it becomes a path or a URL. */
function isPackage(value: Partial<IndexedPackage>): value is IndexedPackage {
  const { name, version, arch, requires } = value;
  const words: readonly unknown[] = [name, version, arch, ...(Array.isArray(requires) ? requires : [undefined])];
  return words.every((word) => typeof word === 'string' && /^[A-Za-z0-9][\w.+-]*$/.test(word)) && isFile(value);
}

function isFile({ path, sha256, sizeBytes }: Partial<SignedRoot['packages']>): boolean {
  const inside = typeof path === 'string' && /^[\w.+-]+(?:\/[\w.+-]+)*$/.test(path) && !path.split('/').includes('..');
  return inside && /^[0-9a-f]{64}$/.test(sha256 ?? '') && isCount(sizeBytes);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
