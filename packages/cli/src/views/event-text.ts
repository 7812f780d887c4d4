import type { BuildEvent, ProblemReport } from '@ict/plugin-api';
import { problemText } from './failure-text.js';
import { formatBytes, formatCount, formatDuration } from './quantity.js';
import { stepText } from './step-text.js';
import type { Terminal } from './terminal.js';
import { says } from './terminal.js';
import { plainText } from './terminal-text.js';

/**
 * What one event says to people beside the progress of stages: warnings and retries always, a line for each step unless `--quiet`,
 * the rest with `--verbose`.
 *
 * @returns text that ends in a new line, or undefined when there is nothing to say at this level.
 */
export function eventText(event: BuildEvent, terminal: Terminal): string | undefined {
  const { colors } = terminal;
  switch (event.type) {
    case 'warning': {
      if (!says(terminal, 'warn')) return undefined;
      const { code, message, hint, position } = event;
      const problem: ProblemReport = {
        code,
        message,
        severity: 'warning',
        ...(hint === undefined ? {} : { hint }),
        ...(position === undefined ? {} : { position }),
      };
      return problemText(problem, colors);
    }
    case 'build.waiting':
      return says(terminal, 'info') ? waitingText(event) : undefined;
    case 'package.invalid': {
      const refused = event.check === 'rules'; // the build fails, and its error says the same
      const problem = refused ? 'is refused' : 'is damaged and was dropped';
      return says(terminal, refused ? 'debug' : 'warn')
        ? `${colors.yellow('warning')} ${plainText(event.name)} ${plainText(event.version)} in the cache ${problem}: ${plainText(event.reason)}\n`
        : undefined;
    }
    case 'fetch.retry':
      return says(terminal, 'info') ? `${colors.yellow('retry')} ${event.attempt}: ${plainText(retryText(event))}\n` : undefined;
    case 'step.hit':
      return says(terminal, 'info')
        ? stepText('hit', `${event.step}${keyText(event.key, terminal)}`, event.from === 'remote' ? 'from a remote cache' : '', colors)
        : undefined;
    case 'step.miss':
      return says(terminal, 'info') ? stepText('miss', `${event.step}${keyText(event.key, terminal)}`, event.reason, colors) : undefined;
    case 'cache.audited':
      return says(terminal, 'info') ? stepText(event.equal ? 'same' : 'diff', event.step, 'made anew by the audit', colors) : undefined;
    case 'cache.uploading': {
      const what = `${formatCount(event.results, 'result')} to the remote cache, as far as it lacks them`;
      return says(terminal, 'info') ? stepText('send', what, '', colors) : undefined;
    }
    case 'cache.uploaded':
      return says(terminal, 'info') ? stepText('sent', uploadText(event), '', colors) : undefined;
    default: {
      if (!says(terminal, 'debug')) return undefined;
      const text = detail(event);
      return text === undefined ? undefined : `${colors.dim(event.type)} ${plainText(text)}\n`;
    }
  }
}

function waitingText({ process, elsewhere }: Extract<BuildEvent, { readonly type: 'build.waiting' }>): string {
  const where = elsewhere ? ' of another machine or container' : '';
  return `waiting for another build of this work directory to end (process ${process}${where})\n`;
}

/** Most reasons begin with the address that was asked. */
function retryText({ url, reason }: Extract<BuildEvent, { readonly type: 'fetch.retry' }>): string {
  return reason.startsWith(url) ? reason : `${url}: ${reason}`;
}

function uploadText({ records, blobs, sentBytes, durationMs }: Extract<BuildEvent, { readonly type: 'cache.uploaded' }>): string {
  const what = `${formatCount(records, 'result')} and ${formatCount(blobs, 'file')}`;
  return `${what} to the remote cache, ${formatBytes(sentBytes)} in ${formatDuration(durationMs)}`;
}

type Told =
  | 'warning'
  | 'build.waiting'
  | 'package.invalid'
  | 'fetch.retry'
  | 'step.hit'
  | 'step.miss'
  | 'cache.audited'
  | 'cache.uploading'
  | 'cache.uploaded';

/** The key of a step, for those who want details. */
function keyText(key: string, terminal: Terminal): string {
  return says(terminal, 'debug') ? ` ${key}` : '';
}

/** What people get to hear of an event only with `--verbose`; those of `eventText` are told from it by their types. */
function detail(event: Exclude<BuildEvent, { readonly type: Told }>): string | undefined {
  switch (event.type) {
    case 'mirror.chosen':
      return `${event.archive} -> ${event.url} (${event.source})`;
    case 'repository.pinned':
      return `${event.repository} ${event.root} signed by ${event.signers.join(', ')}`;
    case 'lock.done':
      return `${event.file}: ${formatCount(event.changes.packages.length, 'package')} changed`;
    case 'fetch.done':
      return `${event.url} ${formatBytes(event.sizeBytes)} in ${formatDuration(event.durationMs)}`;
    case 'package.cached':
      return `${event.name} ${event.version} (${event.check})`;
    case 'package.miss':
    case 'package.evicted':
      return `${event.name} ${event.version}`;
    case 'package.downloaded':
      return `${event.name} ${event.version} ${formatBytes(event.sizeBytes)}`;
    case 'cache.collected':
      return `${formatCount(event.entries, 'entry', 'entries')}, ${formatBytes(event.freedBytes)}`;
    case 'package.verified':
      return `${event.name} ${event.version} ${event.digest}`;
    case 'step.start':
      return `${event.step} ${event.key}`;
    case 'step.stored':
      return `${event.step} ${event.key} in ${formatDuration(event.durationMs)}`;
    case 'layer.validated':
      return `${event.layer}: ${event.decision}`;
    case 'install.way':
      return `${event.way}: ${event.reason}`;
    case 'command.start':
      return event.command.join(' ');
    case 'command.output':
      return event.text.trimEnd();
    case 'image.progress':
      return `${event.artifact}: ${event.action}`;
    // What the progress of stages shows, or the command itself.
    case 'build.start':
    case 'build.done':
    case 'build.failed':
    case 'stage.start':
    case 'stage.done':
    case 'resolve.done':
    case 'fetch.start':
    case 'fetch.progress':
    case 'package.stored':
    case 'install.progress':
    case 'artifact.written':
    case 'boot.console':
    case 'boot.done':
      return undefined;
    default:
      void (event satisfies never); // the compiler names an event that is forgotten; one of a plugin's own says nothing
      return undefined;
  }
}
