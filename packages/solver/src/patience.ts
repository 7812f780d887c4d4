/** How many conflicts pass before a search changes its ways. */
export interface Patience {
  /** Until preferences alone no longer lead, and lessons are made as short as can be. */
  readonly preferences: number;
  /** Until the first restart; later ones follow the Luby sequence. */
  readonly restart: number;
  /** Until lessons are forgotten for the first time. */
  readonly lessons: number;
}

/** Real archives stay far below these. */
export const PATIENCE: Patience = { preferences: 256, restart: 128, lessons: 2_000 };
