// What came of the runs, as a table for a terminal and for Markdown alike.

/** One run of one candidate. */
export interface Run {
  /** Refresh requests that the provider got, well answered or not. */
  refreshes: number
  lost: number
  sent: number
  sessionEnded: boolean
  milliseconds: number
}

export interface Row {
  name: string
  runs: Run[]
}

/** The rows; times are medians, as multiples of that of the row `unit`. */
export function table(rows: Row[], unit: string): string {
  const one = median(rows.find(({ name }) => name === unit)?.runs ?? [])
  const head = ['', 'refresh calls per run', 'lost requests', 'ended sessions', `time (${Math.round(one)} ms = 1)`]
  const lines = rows.map(({ name, runs }) => {
    const refreshes = sum(runs, ({ refreshes }) => refreshes) / runs.length
    const lost = sum(runs, ({ lost }) => lost)
    const sent = sum(runs, ({ sent }) => sent)
    const ended = sum(runs, ({ sessionEnded }) => Number(sessionEnded))
    const time = (median(runs) / one).toFixed(2)
    return [name, refreshes.toFixed(1), `${lost} of ${sent}`, `${ended} of ${runs.length}`, time]
  })
  const all = [head, head.map(() => '---'), ...lines]
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)))
  const padded = (line: string[]) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0, line === all[1] ? '-' : ' '))
  return all.map((line) => `| ${padded(line).join(' | ')} |`).join('\n')
}

function sum(runs: Run[], value: (run: Run) => number): number {
  return runs.reduce((total, run) => total + value(run), 0)
}

function median(runs: Run[]): number {
  const times = runs.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b)
  return times[Math.floor(times.length / 2)] ?? NaN
}
