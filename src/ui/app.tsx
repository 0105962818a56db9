/** The frame around every view: name of the project, navigation, connection, light or dark. */

import { useEffect, useState } from 'preact/hooks';
import type { ProjectDocument } from '../model/page.js';
import { dateTime } from './format.js';
import { useLive } from './live.js';
import { Empty } from './parts/common.js';
import { CalledAs } from './parts/said.js';
import { link, type Route, useRoute } from './router.js';
import { isReport, paths, useDocument } from './source.js';
import { BuildView } from './views/build.js';
import { BuildsView } from './views/builds.js';
import { FilesView } from './views/files.js';
import { GraphView } from './views/graph.js';
import { MetricsView } from './views/metrics.js';
import { ProjectsView } from './views/projects.js';
import { ReviewView } from './views/review.js';
import { TaskPage } from './views/task.js';
import { TimelineView } from './views/timeline.js';

const VIEWS = [
  { id: 'builds', name: 'Builds' },
  { id: 'graph', name: 'Graph' },
  { id: 'timeline', name: 'Timeline' },
  { id: 'files', name: 'Files' },
  { id: 'review', name: 'Review' },
  { id: 'metrics', name: 'Metrics' },
] as const;

export function App() {
  const route = useRoute();
  const project = useDocument<ProjectDocument>(paths.project);
  const value = project.state === 'missing' || project.state === 'loading' ? undefined : project.value;
  const name = value?.name ?? 'conductor';
  // Until it is known what this page shows, it shows nothing.
  const views = value === undefined || value.projects ? [] : VIEWS;
  const active = route.view === 'build' ? 'builds' : route.view === 'task' ? '' : route.view;
  useEffect(() => {
    document.title = value?.projects ? `Projects · ${name}` : `${titleOf(route)} · ${name}`;
  }, [route, name, value?.projects]);
  return (
    <>
      <button type="button" class="skip" onClick={toMain}>
        Skip to content
      </button>
      <header class="bar">
        <a class="brand" href={value?.projects ? './' : link('builds')}>
          <Mark />
          <span class="brand-name">{name}</span>
        </a>
        <nav class="views" aria-label="Views">
          {value?.home !== undefined && (
            <a href={value.home} class="home">
              All projects
            </a>
          )}
          {views.map(({ id, name: view }) => (
            <a key={id} href={link(id)} aria-current={id === active ? 'page' : undefined}>
              {view}
            </a>
          ))}
        </nav>
        <div class="bar-end">
          {isReport() ? <ReportNote project={value} /> : <Connection />}
          <Theme />
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <CalledAs.Provider value={value?.calledAs ?? 'conductor'}>
          {project.state === 'loading' && value === undefined ? (
            <Empty>Loading…</Empty>
          ) : value?.projects ? (
            <ProjectsView />
          ) : (
            <View route={route} build={value?.build} />
          )}
        </CalledAs.Provider>
      </main>
    </>
  );
}

function View({ route, build }: { readonly route: Route; readonly build: string | undefined }) {
  const { view, name } = route;
  switch (view) {
    case 'builds':
      return <BuildsView />;
    case 'build':
      return <BuildView name={name} query={route.query} />;
    case 'graph':
      return <GraphView query={route.query} reported={build} />;
    case 'timeline':
      return <TimelineView name={name === '' ? build : name} query={route.query} />;
    case 'task':
      return <TaskPage key={name} label={name} query={route.query} reported={build} />;
    case 'files':
      return <FilesView query={route.query} />;
    case 'review':
      return <ReviewView query={route.query} reported={build} />;
    case 'metrics':
      return <MetricsView query={route.query} />;
    default:
      return <p class="empty">There is no such view.</p>;
  }
}

function titleOf({ view, name }: Route): string {
  if (name !== '') return name;
  return VIEWS.find(({ id }) => id === view)?.name ?? 'conductor';
}

/** Not a link: the address names the view. */
function toMain(): void {
  document.getElementById('main')?.focus();
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="5" cy="12" r="3" />
      <circle cx="19" cy="5.5" r="3" />
      <circle cx="19" cy="18.5" r="3" />
      <path d="M8 12h3c2 0 2-6.500 5-6.500M11 12c2 0 2 6.500 5 6.500" />
    </svg>
  );
}

function Connection() {
  const connection = useLive((live) => live.connection);
  const words = { connecting: 'connecting', open: 'live', lost: 'not connected' }[connection];
  return (
    <span class={`connection is-${connection}`} role="status">
      <span class="dot" aria-hidden="true" />
      {words}
    </span>
  );
}

function ReportNote({ project }: { readonly project: ProjectDocument | undefined }) {
  if (project?.writtenAt === undefined) return null;
  return <span class="connection">report of {dateTime(project.writtenAt)}</span>;
}

const THEMES = ['auto', 'light', 'dark'] as const;

function Theme() {
  const [theme, setTheme] = useState<(typeof THEMES)[number]>(stored);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem('conductor-theme', theme);
    } catch {
      // A page from a file may not keep anything.
    }
  }, [theme]);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
  return (
    <button
      type="button"
      class="button quiet"
      onClick={() => setTheme(next)}
      aria-label={`Colours: ${theme}. Switch to ${next}`}
    >
      {{ auto: '◐', light: '☀', dark: '☾' }[theme]}
    </button>
  );
}

function stored(): (typeof THEMES)[number] {
  try {
    const kept = localStorage.getItem('conductor-theme');
    return THEMES.find((one) => one === kept) ?? 'auto';
  } catch {
    return 'auto';
  }
}
