/** A terminal screen without end: understands what the live view sends, and wraps lines as terminals do. */
export class Screen {
  readonly isTTY = true;
  columns: number;
  private rows: string[] = [''];
  private row = 0;
  private column = 0;

  constructor(columns: number) {
    this.columns = columns;
  }

  write(text: string): boolean {
    // eslint-disable-next-line no-control-regex -- escape sequences start with a control character
    for (const [part, sequence] of text.matchAll(/\u001b\[(\d*[A-Za-z])|[^]/gu)) {
      if (sequence === undefined) this.put(part);
      else this.control(sequence);
    }
    return true;
  }

  get lines(): readonly string[] {
    return this.rows.map((line) => line.trimEnd()).filter((line) => line !== '');
  }

  private put(character: string): void {
    if (character === '\n') {
      this.row += 1;
      this.column = 0;
    } else if (character === '\r') this.column = 0;
    else {
      if (this.column >= this.columns) {
        this.row += 1;
        this.column = 0;
      }
      while (this.rows.length <= this.row) this.rows.push('');
      const line = (this.rows[this.row] ?? '').padEnd(this.column);
      this.rows[this.row] = line.slice(0, this.column) + character + line.slice(this.column + 1);
      this.column += 1;
    }
    while (this.rows.length <= this.row) this.rows.push('');
  }

  private control(sequence: string): void {
    if (sequence.endsWith('A')) this.row = Math.max(0, this.row - Number(sequence.slice(0, -1)));
    else if (sequence === '0J') {
      this.rows.length = this.row + 1;
      this.rows[this.row] = (this.rows[this.row] ?? '').slice(0, this.column);
    } else throw new Error(`the screen does not know ${sequence}`);
  }
}
