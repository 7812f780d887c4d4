import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CacheKey } from '@ict/integrity';
import type { Digest, Integrity } from '@ict/plugin-api';
import { isPathSegment, type Layout } from './layout.js';
import { listRecords, readRecord, removeRecord } from './record-file.js';
import { isStatSignature, statSignature, type StatSignature } from './stat-signature.js';
import { tellUnread, type Unseen } from './unread.js';

/** Who vouched for a package: the signed root that lists it, and the keys that signed that root. */
export interface SignedBy {
  readonly root: Digest;
  readonly signers: readonly string[];
}

/** What the index says of a stored package: `.ict/index/packages/{provider-id}/ab/{key}.json`. */
export interface PackageEntry {
  readonly key: CacheKey;
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly repository: string;
  readonly integrity: Integrity;
  readonly sizeBytes: number;
  readonly fileName: string;
  readonly statSignature: StatSignature;
  /** Seconds since 1970. */
  readonly storedAt: number;
  readonly verifiedAt: number;
  readonly signedBy?: SignedBy;
  /** Digest of the rules that the package was verified by; absent where there are none beyond its digest. */
  readonly rules?: Digest;
}

/** The records of all package caches, read by those who look after the cache as a whole. */
export interface PackageEntries {
  /** @param unseen is told when they cannot be read; then there are none. */
  providers(unseen: Unseen): Promise<readonly string[]>;
  /**
   * Every record of a provider, in no particular order. A record that cannot be trusted is left out.
   *
   * @param unseen is told of records, and directories of them, that cannot be read.
   */
  entries(providerId: string, unseen: Unseen): AsyncIterable<PackageEntry & { readonly path: string }>;
  /**
   * Removes the records of packages whose files are gone. What cannot be read or removed stays: a record of nothing is a miss.
   *
   * @param ids `{provider-id}/{file name}`
   */
  forget(ids: readonly string[]): Promise<void>;
}

export function isPackageEntry(value: unknown): value is PackageEntry {
  if (typeof value !== 'object' || value === null) return false;
  const entry = value as Record<string, unknown>;
  const texts = ['key', 'name', 'version', 'arch', 'repository', 'integrity', 'fileName'];
  const numbers = ['sizeBytes', 'storedAt', 'verifiedAt'];
  return (
    texts.every((name) => typeof entry[name] === 'string') &&
    numbers.every((name) => typeof entry[name] === 'number') &&
    ['string', 'undefined'].includes(typeof entry['rules']) &&
    isStatSignature(entry['statSignature'])
  );
}

/** The graph of dependencies lies beside the packages but is none. */
export const PACKAGE_GRAPH = 'chrootpkgs.dot';

/** Whether a package may have this name in the cache: a plain one, and not that of what lies beside the packages. */
export function isPackageFileName(name: string): boolean {
  return isPathSegment(name) && name !== PACKAGE_GRAPH;
}

/** Names the journal's and the collector's view of a package. */
export function packageId(providerId: string, fileName: string): string {
  return `${providerId}/${fileName}`;
}

export function createPackageEntries(layout: Layout): PackageEntries {
  const root = join(layout.area('index'), 'packages');

  async function* entries(providerId: string, unseen: Unseen): AsyncGenerator<PackageEntry & { readonly path: string }, void, undefined> {
    for await (const path of listRecords(join(root, providerId), unseen)) {
      const entry = await readRecord(path, isPackageEntry).catch((error: unknown) => tellUnread(path, unseen, error));
      if (entry !== undefined) yield { ...entry, path };
    }
  }

  return {
    entries,
    async providers(unseen) {
      return ((await readdir(root).catch((error: unknown) => tellUnread(root, unseen, error))) ?? []).sort();
    },
    async forget(ids) {
      const gone = new Set(ids);
      const providers = new Set(ids.map((id) => id.slice(0, id.indexOf('/'))));
      for (const providerId of providers) {
        for await (const { path, fileName } of entries(providerId, stays)) {
          if (!gone.has(packageId(providerId, fileName))) continue;
          try {
            // Another process may have stored it again.
            if ((await statSignature(join(layout.packages(providerId), fileName))) === undefined) await removeRecord(path);
          } catch (error) {
            tellUnread(path, stays, error);
          }
        }
      }
    },
  };
}

function stays(): void {}
