import type { ExplainedStep, Explanation } from '@ict/core';
import { lockOptions, withEngine } from '../engine-session.js';
import { positionText } from '../views/failure-text.js';
import type { LockFlags } from '../flag-types.js';
import { formatBytes, formatCount, formatDuration } from '../views/quantity.js';
import type { Session } from '../session.js';
import { IMAGE_STEP, stepText } from '../views/step-text.js';
import type { Colors } from '../views/terminal.js';
import { plainText } from '../views/terminal-text.js';

/** Lines of a template that are named for one step; the rest are counted. */
const NAMED = 5;

/** `ict cache explain`: which steps of a build would hit, and why the others would not. */
export async function cacheExplain(session: Session, template: string, flags: LockFlags): Promise<void> {
  const document = await withEngine(session, flags, (engine) => engine.explain(template, lockOptions(session, flags)));
  session.document(document);
  session.result(explanationText(document, session.terminal.resultColors));
}

/** An explanation for people: a line for each step as a build prints it, then where that comes from, and what it cost. */
export function explanationText({ steps, fetchBytes }: Explanation, colors: Colors): string {
  const lines = steps.map((step) => stepText(step.verdict, step.type, step.reason, colors) + details(step, colors));
  const made = steps.filter(({ verdict, type }) => verdict === 'miss' && type !== IMAGE_STEP);
  const open = steps.filter(({ verdict }) => verdict === 'open').length;
  const known = made.reduce((sum, { past }) => sum + (past?.durationMs ?? 0), 0);
  const total = [
    `${formatCount(made.length, 'step')} to run`,
    ...(open === 0 ? [] : [`${open} that may`]),
    ...(known === 0 ? [] : [`${formatDuration(known)} as they last took`]),
    `${formatBytes(fetchBytes)} to download`,
  ];
  return `${lines.join('')}${total.join(', ')}\n`;
}

function details({ verdict, differences, install, past }: ExplainedStep, colors: Colors): string {
  if (verdict === 'hit') return '';
  const places = new Set(differences.flatMap(({ position }) => (position === undefined ? [] : [positionText(position)])));
  const more = places.size - NAMED;
  const lines = [
    ...[...places].slice(0, NAMED).map((place) => `at ${place}`),
    ...(more > 0 ? [`and ${formatCount(more, 'more place')}; --json lists them all`] : []),
    ...(install === undefined ? [] : [`${install.way === 'delta' ? 'delta' : 'clean installation'}: ${install.reason}`]),
    ...(past === undefined ? [] : [`last time ${[...durationOf(past), formatBytes(past.sizeBytes)].join(', ')}`]),
  ];
  return lines.map((line) => `       ${colors.dim(plainText(line))}\n`).join('');
}

function durationOf({ durationMs }: NonNullable<ExplainedStep['past']>): readonly string[] {
  return durationMs === undefined ? [] : [formatDuration(durationMs)];
}
