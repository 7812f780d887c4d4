import type { BuildEvent } from '@ict/plugin-api';
import { eventText } from './event-text.js';
import { Progress, stageTime } from './progress.js';
import type { Terminal } from './terminal.js';
import { says } from './terminal.js';
import type { View } from './view.js';

/** At most one line of progress in this time. */
const QUIET_MS = 5000;

/** Progress for logs and pipes: plain lines, few of them, none ever rewritten. */
export class PlainView implements View {
  private readonly terminal: Terminal;
  private readonly progress = new Progress();
  private readonly stages: boolean;
  private spokenMs = 0;
  private spoken = '';

  /** @param stages print the progress of stages, not only warnings and details. */
  constructor(terminal: Terminal, stages: boolean) {
    this.terminal = terminal;
    this.stages = stages && says(terminal, 'info');
  }

  event(event: BuildEvent): void {
    this.progress.add(event);
    const text = eventText(event, this.terminal);
    if (text !== undefined) this.print(text);
    if (!this.stages) return;
    const timeMs = Date.parse(event.time);
    if (event.type === 'stage.start') this.spokenMs = timeMs;
    else if (event.type === 'stage.done') {
      this.say(`${event.stage}: done in ${stageTime(this.progress, event.stage)}`, this.progress.describe(event.stage));
    } else if (this.progress.running !== undefined && timeMs - this.spokenMs >= QUIET_MS) {
      const activity = this.progress.describe(this.progress.running);
      if (activity === '' || activity === this.spoken) return;
      this.spoken = activity;
      this.spokenMs = timeMs;
      this.say(this.progress.running, activity);
    }
  }

  print(text: string): void {
    this.terminal.stderr.write(text);
  }

  close(): void {}

  private say(head: string, rest: string): void {
    this.print(rest === '' ? `${head}\n` : `${head}: ${rest}\n`);
  }
}
