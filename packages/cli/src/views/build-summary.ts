import type { BuildReport } from '@ict/core';
import { formatBytes, formatCount, formatDuration } from './quantity.js';
import type { Terminal } from './terminal.js';
import { says } from './terminal.js';
import { plainText, table, truncate } from './terminal-text.js';

/** Made-anew steps that a summary lists; the rest is in the events. */
const SLOWEST = 5;
/** Columns of a reason; `--verbose` and the events have it whole. */
const REASON_COLUMNS = 72;

/**
 * What a finished build says on stdout: what it made, where the time went, what the cache saved, how to start the image.
 *
 * @param durationMs of the whole command: what it waited for another build is told apart.
 */
export function buildSummary(report: BuildReport, durationMs: number, terminal: Terminal): string {
  if (!says(terminal, 'info')) return report.artifacts.map((artifact) => `${artifact.path}\n`).join('');
  const { resultColors: colors } = terminal;
  const { waitedMs = 0 } = report;
  const waited = waitedMs === 0 ? '' : `, after ${formatDuration(waitedMs)} of waiting for another build`;
  const lines = [
    `${colors.green('✔')} ${colors.bold(report.target)} built in ${formatDuration(Math.max(0, durationMs - waitedMs))}${waited}`,
    '',
  ];
  for (const { path, sizeBytes, allocatedBytes, digest } of report.artifacts) {
    const onDisk = allocatedBytes < sizeBytes ? `, ${formatBytes(allocatedBytes)} on disk` : '';
    lines.push(`  ${colors.bold(path)}`, `    ${formatBytes(sizeBytes)}${onDisk}`, `    ${colors.dim(digest)}`);
  }
  lines.push('', ...report.documents.map((document) => `  ${colors.dim(document)}`));
  if (!report.documents.includes(report.lock)) lines.push(`  ${colors.dim(report.lock)}`);
  lines.push('', ...timeLines(report), '', ...stepLines(report));
  const image = bootable(report);
  if (image !== undefined) lines.push('', `how to boot it: ${colors.cyan(`npx ict boot ${shellWord(image)}`)}`);
  return `${lines.join('\n')}\n`;
}

function timeLines(report: BuildReport): readonly string[] {
  return table(
    report.stages.map(({ stage, durationMs }) => [`  ${stage}`, formatDuration(durationMs)]),
    { right: [1] },
  );
}

function stepLines(report: BuildReport): readonly string[] {
  const made = report.steps.filter((step) => !step.hit).sort((a, b) => b.durationMs - a.durationMs);
  const head = `  ${report.steps.length - made.length} of ${report.steps.length} steps from the cache${made.length === 0 ? '' : '; made anew:'}`;
  const rows = made
    .slice(0, SLOWEST)
    .map(({ type, durationMs, reason }) => [
      `    ${plainText(type)}`,
      formatDuration(durationMs),
      truncate(plainText(reason), REASON_COLUMNS),
    ]);
  const rest = made.length > SLOWEST ? [`    and ${made.length - SLOWEST} quicker ones`] : [];
  return [head, ...table(rows, { right: [1] }), ...rest, ...remoteLines(report)];
}

/** What remote caches were asked for: that they had nothing shows nowhere else. */
function remoteLines({ remote }: BuildReport): readonly string[] {
  if (remote === undefined) return [];
  return [`  ${remote.found} of ${formatCount(remote.asked, 'result')} that remote caches were asked for came from there`];
}

/** The artifact that qemu starts as it is. */
function bootable(report: BuildReport): string | undefined {
  const paths = report.artifacts.map((artifact) => artifact.path);
  return [/\.raw$/, /\.qcow2$/, /\.(vhdx?|vmdk|vdi)$/, /\.iso$/, /\.cpio(\.\w+)?$/]
    .map((name) => paths.find((path) => name.test(path)))
    .find((path) => path !== undefined);
}

/** A path as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
