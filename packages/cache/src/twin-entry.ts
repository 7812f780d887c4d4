import { cacheKey } from '@ict/integrity';
import type { Integrity } from '@ict/plugin-api';
import type { Layout } from './layout.js';
import { isStatSignature, type StatSignature } from './stat-signature.js';

/** What the index says of the uncompressed twin of a package: `.ict/index/twins/{provider-id}/ab/{key}.json`. */
export interface TwinEntry {
  /** The package that it unpacks as. */
  readonly of: Integrity;
  readonly fileName: string;
  /** Ecosystem whose provider wrote it, and the version of its twins. */
  readonly by: string;
  readonly version: number;
  readonly integrity: Integrity;
  readonly sizeBytes: number;
  readonly statSignature: StatSignature;
  /** Seconds since 1970. */
  readonly storedAt: number;
  readonly verifiedAt: number;
}

/** Names the journal's and the collector's view of a twin. */
export function twinId(providerId: string, fileName: string): string {
  return `twin/${providerId}/${fileName}`;
}

/** The record of the twin of this name: one, so that it is replaced with its file. */
export function twinRecord(layout: Pick<Layout, 'record'>, providerId: string, fileName: string): string {
  return layout.record(`twins/${providerId}`, cacheKey('twin', { fileName }));
}

export function isTwinEntry(value: unknown): value is TwinEntry {
  if (typeof value !== 'object' || value === null) return false;
  const entry = value as Record<string, unknown>;
  return (
    ['of', 'fileName', 'by', 'integrity'].every((name) => typeof entry[name] === 'string') &&
    ['version', 'sizeBytes', 'storedAt', 'verifiedAt'].every((name) => typeof entry[name] === 'number') &&
    isStatSignature(entry['statSignature'])
  );
}
