/** Growth of the bump with each conflict: what took part lately counts most. */
const GROWTH = 1 / 0.95;
/** Activities above this are scaled down together, before they lose precision. */
const CEILING = 1e100;

/**
 * Solvables by how much they took part in recent conflicts (variable state independent decaying sum; Moskewicz et al., Chaff, 2001): a
 * heap, the most active first, of equal ones the one with the lower number. Those that took part in none are not in it.
 */
export class Activity {
  readonly #activity: Float64Array;
  readonly #heap: number[] = [];
  /** By solvable: place in the heap + 1, or 0. */
  readonly #place: Int32Array;
  #bump = 1;

  constructor(count: number) {
    this.#activity = new Float64Array(count + 1);
    this.#place = new Int32Array(count + 1);
  }

  /** Says which solvables took part in a conflict. */
  conflict(solvables: readonly number[]): void {
    for (const solvable of solvables) {
      this.#activity[solvable] += this.#bump;
      if (this.#place[solvable] > 0) this.#up(this.#place[solvable] - 1);
    }
    this.#bump *= GROWTH;
    if (this.#bump < CEILING) return;
    for (let solvable = 0; solvable < this.#activity.length; solvable++) this.#activity[solvable] /= CEILING;
    this.#bump /= CEILING;
  }

  /** Puts a solvable back that has no value any more. */
  offer(solvable: number): void {
    if (this.#activity[solvable] === 0 || this.#place[solvable] > 0) return;
    this.#place[solvable] = this.#heap.push(solvable);
    this.#up(this.#heap.length - 1);
  }

  /** Takes the most active one out; 0 when there is none. */
  take(): number {
    const first = this.#heap[0];
    if (first === undefined) return 0;
    const last = this.#heap.pop()!;
    this.#place[first] = 0;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#place[last] = 1;
      this.#down(0);
    }
    return first;
  }

  #before(a: number, b: number): boolean {
    const difference = this.#activity[a] - this.#activity[b];
    return difference > 0 || (difference === 0 && a < b);
  }

  #up(from: number): void {
    const heap = this.#heap;
    const solvable = heap[from];
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(solvable, heap[parent])) break;
      this.#set(at, heap[parent]);
      at = parent;
    }
    this.#set(at, solvable);
  }

  #down(from: number): void {
    const heap = this.#heap;
    const solvable = heap[from];
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#before(heap[child + 1], heap[child])) child++;
      if (!this.#before(heap[child], solvable)) break;
      this.#set(at, heap[child]);
      at = child;
    }
    this.#set(at, solvable);
  }

  #set(at: number, solvable: number): void {
    this.#heap[at] = solvable;
    this.#place[solvable] = at + 1;
  }
}
