import { dirname } from 'node:path';
import { listWorkspace, type WorkspaceEntry } from '@ict/cache';
import type { Sandbox } from '@ict/sandbox';
import type { Session } from './session.js';

/** A base tree that is not what its record says. */
export interface WorkspaceFinding {
  readonly kind: 'chrootenv';
  /** `{provider-id}/chrootenv` */
  readonly id: string;
  readonly path: string;
  readonly problem: 'damaged';
  readonly detail: string;
  readonly repaired: boolean;
}

export interface WorkspaceVerification {
  readonly workDir: string;
  readonly checked: { readonly chrootenv: number };
  readonly findings: readonly WorkspaceFinding[];
}

/**
 * Compares every byte of the base trees in a work directory with their listings; snapshots are compared when they are unpacked.
 *
 * @param sandbox reads files of any owner; without one nothing is looked at.
 * @param repaired whether the caller takes away what is damaged.
 * @returns what to tell, and the trees that are damaged.
 */
export async function verifyWorkspace(
  session: Session,
  workDir: string,
  sandbox: Sandbox | undefined,
  repaired: boolean,
): Promise<{ readonly verification: WorkspaceVerification; readonly damaged: readonly WorkspaceEntry[] }> {
  const findings: WorkspaceFinding[] = [];
  const damaged: WorkspaceEntry[] = [];
  let checked = 0;
  if (sandbox === undefined) return { verification: { workDir, checked: { chrootenv: checked }, findings }, damaged };
  const { checkBaseTree } = await import('@ict/core');
  for (const entry of await listWorkspace(workDir)) {
    if (entry.kind !== 'chrootenv') continue;
    session.signal.throwIfAborted();
    const changed = await checkBaseTree(dirname(entry.path), sandbox, session.signal);
    if (changed === undefined) continue;
    checked += 1;
    if (changed.length === 0) continue;
    const { kind, id, path } = entry;
    damaged.push(entry);
    findings.push({ kind, id, path, problem: 'damaged', detail: changed.slice(0, 5).join(', '), repaired });
  }
  return { verification: { workDir, checked: { chrootenv: checked }, findings }, damaged };
}
