import type { BuildEvent, Stage } from '@ict/plugin-api';
import { eventText } from './event-text.js';
import { Progress, stages, stageTime } from './progress.js';
import type { Terminal } from './terminal.js';
import { displayWidth, padEnd, truncate } from './terminal-text.js';
import type { View } from './view.js';

const FRAME_MS = 100;
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const BAR_COLUMNS = 18;
const ERASE_BELOW = '\u001b[0J';
const NAME_COLUMNS = Math.max(...stages.map((stage) => stage.length)) + 2;
const TIME_COLUMNS = 12;

/**
 * Progress for a terminal: one line a stage at the bottom, redrawn in place; everything else is printed above it. All output of
 * the run goes through {@link LiveView.print}, so that lines never mix. Each frame is one write.
 */
export class LiveView implements View {
  private readonly terminal: Terminal;
  private readonly progress = new Progress();
  private drawn: readonly string[] = [];
  private frame = 0;
  private timer: NodeJS.Timeout | undefined;
  private started = false;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
  }

  event(event: BuildEvent): void {
    this.progress.add(event);
    if (event.type === 'stage.start' && !this.started) {
      this.started = true;
      this.timer = setInterval(() => this.draw(), FRAME_MS);
      this.timer.unref();
    }
    const text = eventText(event, this.terminal);
    if (text !== undefined) this.print(text);
    else if (event.type === 'stage.start' || event.type === 'stage.done') this.draw();
  }

  print(text: string): void {
    this.terminal.stderr.write(this.erase() + text);
    this.draw();
  }

  close(): void {
    if (this.timer !== undefined) clearInterval(this.timer);
    this.timer = undefined;
    if (this.started) this.draw();
    this.started = false;
    this.drawn = [];
  }

  private draw(): void {
    if (!this.started) return;
    this.frame += 1;
    const erase = this.erase();
    this.drawn = this.lines();
    this.terminal.stderr.write(erase + this.drawn.map((line) => `${line}\n`).join(''));
  }

  /** The sequence that removes what was drawn, counted in rows of the terminal as wide as it is now. */
  private erase(): string {
    if (this.drawn.length === 0) return '';
    const { columns } = this;
    const rows = this.drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / columns)), 0);
    this.drawn = [];
    return `\u001b[${rows}A\r${ERASE_BELOW}`;
  }

  private lines(): readonly string[] {
    return stages.map((stage) => this.line(stage));
  }

  private line(stage: Stage): string {
    const { colors } = this.terminal;
    const { progress } = this;
    const state = progress.state.get(stage);
    const name = padEnd(stage, NAME_COLUMNS);
    const room = this.columns - 1 - 2 - NAME_COLUMNS - TIME_COLUMNS;
    if (state === 'waiting') return colors.dim(`  ${name}`.trimEnd());
    if (state === 'running') {
      const share = progress.downloaded;
      const bar = share === undefined || room < BAR_COLUMNS + 40 ? '' : `${bargraph(share)} `;
      const text = truncate(progress.describe(stage), Math.max(0, this.columns - 1 - 2 - NAME_COLUMNS - bar.length));
      return `${colors.cyan(SPINNER[this.frame % SPINNER.length] ?? '')} ${name}${colors.cyan(bar)}${text}`.trimEnd();
    }
    const mark = state === 'done' ? colors.green('✔') : colors.red('✖');
    const time = truncate(padEnd(stageTime(progress, stage), TIME_COLUMNS), this.columns - 1 - 2 - NAME_COLUMNS);
    return `${mark} ${name}${time}${colors.dim(truncate(progress.describe(stage), Math.max(0, room)))}`.trimEnd();
  }

  private get columns(): number {
    // A terminal that does not know its size says 0.
    return Math.max(20, this.terminal.stderr.columns || 80);
  }
}

/** A bar of fixed width; `share` is 0 to 1. */
function bargraph(share: number): string {
  const full = Math.round(share * BAR_COLUMNS);
  return '━'.repeat(full) + '╌'.repeat(BAR_COLUMNS - full);
}
