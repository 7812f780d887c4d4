import type { ErrorKind, ErrorRecord } from '@ict/plugin-api';

/** Exit status by kind of failure; scripts rely on these numbers. */
const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  invalid: 1,
  usage: 2,
  unsolvable: 3,
  network: 4,
  integrity: 5,
  offline: 6,
  host: 7,
  command: 8,
  internal: 9,
  interrupted: 130,
};

/** Whether a monitoring script takes a status for how full a disk is: warning or critical. */
export function isVerdict(status: number): boolean {
  return status === 1 || status === 2;
}

/** What such scripts call unknown: a failure that would end with a verdict ends so. */
export const NO_VERDICT = 3;

/** Signals that end `ict`, with the status that a shell gives to them. */
export const statusOfSignal = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
export type EndingSignal = keyof typeof statusOfSignal;

/** The exit status for a failure, never 0: that of an internal one for a kind that there is not. `signal` is the one that asked `ict` to stop, if any. */
export function exitStatus({ kind }: ErrorRecord, signal?: EndingSignal): number {
  if (signal !== undefined) return statusOfSignal[signal];
  return Object.hasOwn(statusOfKind, kind) ? statusOfKind[kind] : statusOfKind.internal;
}
