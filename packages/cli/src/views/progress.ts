import type { BuildEvent, Stage } from '@ict/plugin-api';
import { formatBytes, formatCount, formatDuration } from './quantity.js';
import { plainText } from './terminal-text.js';

/** The four stages in their order. */
export const stages: readonly Stage[] = ['validate', 'packages', 'compose', 'finalize'];

export type StageState = 'waiting' | 'running' | 'done' | 'failed';

const RATE_WINDOW_MS = 4000;

interface Sample {
  readonly timeMs: number;
  readonly bytes: number;
}

/**
 * What is known of a running build, from its events alone. Views read it; it prints nothing and asks no clock: time is that of
 * the events.
 */
export class Progress {
  template = '';
  target = '';
  readonly state = new Map<Stage, StageState>(stages.map((stage) => [stage, 'waiting']));
  readonly durationMs = new Map<Stage, number>();
  private current: Stage | undefined;
  private packages = { count: 0, downloadBytes: 0, fromLock: false };
  private planned = { files: 0, bytes: 0 };
  /** Whether packages were asked for: where their layers may come from elsewhere, each is when it is unpacked. */
  private announced = false;
  /** Said of packages when their stage ends: later ones are of layers that are made. */
  private fetched: string | undefined;
  private doneFiles = 0;
  private doneBytes = 0;
  private readonly inFlight = new Map<string, number>();
  private samples: Sample[] = [];
  private cached = 0;
  private verified = 0;
  /** What was last said of each step, by its key: a build that starts over says it again. */
  private readonly steps = new Map<string, 'here' | 'remote' | 'miss'>();
  private activity = '';

  /** Takes one event in. */
  add(event: BuildEvent): void {
    switch (event.type) {
      case 'build.start':
        this.template = event.template;
        this.target = event.target;
        return;
      case 'build.failed':
        if (this.current !== undefined) this.state.set(this.current, 'failed');
        return;
      case 'stage.start':
        this.current = event.stage;
        this.activity = '';
        this.planned = { files: 0, bytes: 0 };
        this.state.set(event.stage, 'running');
        return;
      case 'stage.done':
        if (event.stage === 'packages') this.fetched = this.describeFetched();
        this.state.set(event.stage, 'done');
        this.durationMs.set(event.stage, event.durationMs);
        this.current = undefined;
        return;
      case 'repository.pinned':
        this.activity = `${plainText(event.repository)} pinned`;
        return;
      case 'resolve.done':
        this.packages = { count: event.packages, downloadBytes: event.downloadBytes, fromLock: event.fromLock };
        this.activity = '';
        return;
      case 'fetch.start':
        // Metadata comes before it, and is not part of what it announces.
        this.planned = { files: event.files, bytes: event.totalBytes };
        this.announced = true;
        this.doneFiles = 0;
        this.doneBytes = 0;
        this.inFlight.clear();
        this.samples = [];
        return;
      case 'fetch.progress':
        if (event.from === 'remote') {
          this.activity = describeRemote(event.receivedBytes, event.totalBytes);
          return;
        }
        this.inFlight.set(event.url, event.receivedBytes);
        this.sample(event.time);
        return;
      case 'fetch.done':
        if (event.from === 'remote') return;
        this.inFlight.delete(event.url);
        this.doneFiles += 1;
        this.doneBytes += event.sizeBytes;
        this.sample(event.time);
        return;
      case 'package.cached':
        this.cached += 1;
        return;
      case 'package.verified':
        if (event.from === undefined) this.verified += 1; // else it is among those that were cached
        return;
      case 'step.hit':
        if (event.from === 'remote' || !this.steps.has(event.key)) this.steps.set(event.key, event.from ?? 'here');
        return;
      case 'step.miss':
        this.steps.set(event.key, 'miss');
        this.activity = plainText(event.step);
        return;
      case 'install.progress':
        this.activity = `${phaseWords[event.phase]} ${event.done}/${event.total} ${plainText(event.name)}`;
        return;
      case 'command.start':
        this.activity = `running ${plainText(event.command.join(' '))}`;
        return;
      case 'image.progress':
        this.activity = `${plainText(event.artifact)}: ${plainText(event.action)}`;
        return;
      default:
        return;
    }
  }

  /** The running stage, if any. */
  get running(): Stage | undefined {
    return this.current;
  }

  /** Share of the announced download that has arrived, 0 to 1; undefined when none is under way. */
  get downloaded(): number | undefined {
    if (!this.downloading) return undefined;
    return this.planned.bytes === 0 ? this.doneFiles / this.planned.files : Math.min(1, this.received / this.planned.bytes);
  }

  /** What a stage is doing, or what it did: one short line. */
  describe(stage: Stage): string {
    const state = this.state.get(stage);
    if (state === 'waiting') return '';
    if (stage === 'packages') return state === 'running' ? this.describeDownload() : this.describePackages();
    if (state === 'running' && this.downloading) return this.describeDownload();
    if (state === 'running' || state === 'failed') return this.activity;
    return stage === 'compose' ? this.describeSteps() : '';
  }

  /** Packages of a layer that is made may be fetched only then. */
  private get downloading(): boolean {
    return this.current !== undefined && this.doneFiles < this.planned.files;
  }

  private describeDownload(): string {
    if (this.planned.files === 0) {
      if (this.packages.count > 0) return this.describeChecks();
      const bytes = this.received;
      return this.activity || (bytes > 0 ? `reading repositories, ${formatBytes(bytes)}` : 'reading repositories');
    }
    if (this.doneFiles >= this.planned.files) return this.describeChecks();
    const rate = this.bytesPerSecond;
    const speed = rate === undefined ? '' : ` at ${formatBytes(rate)}/s`;
    const bytes = `${formatBytes(this.received)} of ${formatBytes(this.planned.bytes)}${speed}`;
    return `downloaded ${this.doneFiles}/${this.planned.files}, ${bytes}, ${this.describeChecks()}`;
  }

  private describeChecks(): string {
    const checked = this.cached + this.verified;
    return checked === 0 ? formatCount(this.packages.count, 'package') : `verified ${checked}/${Math.max(this.packages.count, checked)}`;
  }

  private describePackages(): string {
    if (this.packages.count === 0) return this.activity;
    const origin = this.packages.fromLock ? ' as locked' : '';
    return `${formatCount(this.packages.count, 'package')}${origin}, ${this.fetched ?? this.describeFetched()}`;
  }

  private describeFetched(): string {
    if (!this.announced) return 'fetched when a layer needs them';
    return this.planned.files === 0 ? 'nothing to download' : `${formatBytes(this.doneBytes)} downloaded`;
  }

  private describeSteps(): string {
    if (this.steps.size === 0) return '';
    const said = [...this.steps.values()];
    const [hits, remoteHits] = [said.filter((word) => word !== 'miss').length, said.filter((word) => word === 'remote').length];
    const remote = remoteHits === 0 ? '' : `, ${remoteHits} of them from a remote one`;
    return `${hits} of ${formatCount(said.length, 'step')} from the cache${remote}`;
  }

  private get received(): number {
    let bytes = this.doneBytes;
    for (const part of this.inFlight.values()) bytes += part;
    return bytes;
  }

  /** Speed over the last seconds; undefined before there is enough to tell. */
  private get bytesPerSecond(): number | undefined {
    const [first] = this.samples;
    const last = this.samples.at(-1);
    if (first === undefined || last === undefined || last.timeMs - first.timeMs < 500) return undefined;
    return Math.max(0, ((last.bytes - first.bytes) * 1000) / (last.timeMs - first.timeMs));
  }

  private sample(time: string): void {
    const timeMs = Date.parse(time);
    const previous = this.samples.at(-1);
    if (previous !== undefined && timeMs - previous.timeMs < 50) return;
    this.samples.push({ timeMs, bytes: this.received });
    while (this.samples.length > 2 && timeMs - (this.samples[0]?.timeMs ?? 0) > RATE_WINDOW_MS) this.samples.shift();
  }
}

function describeRemote(receivedBytes: number, totalBytes: number | undefined): string {
  const whole = totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`;
  return `${formatBytes(receivedBytes)}${whole} from a remote cache`;
}

const phaseWords = { extract: 'extracting', unpack: 'unpacking', configure: 'configuring' } as const;

/** `0.4 s`, or nothing while a stage is not done. */
export function stageTime(progress: Progress, stage: Stage): string {
  const duration = progress.durationMs.get(stage);
  return duration === undefined ? '' : formatDuration(duration);
}
