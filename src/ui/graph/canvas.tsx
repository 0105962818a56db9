/** A drawing that is moved and zoomed: with the mouse, with fingers, with buttons and with the keyboard. */

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

interface Box {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

const MIN_SCALE = 0.03;
const MAX_SCALE = 2.5;
const STEP = 60;
/** Below this, names cannot be read: a large drawing starts at its beginning instead. */
const READABLE = 0.35;

export function Canvas(props: {
  readonly width: number;
  readonly height: number;
  readonly label: string;
  readonly children: ComponentChildren;
}) {
  const { width, height, label, children } = props;
  const frame = useRef<SVGSVGElement>(null);
  const [box, setBox] = useState<Box>({ x: 0, y: 0, scale: 1 });
  const grabbed = useRef<{ x: number; y: number; box: Box; moved: boolean } | undefined>(undefined);
  const showAll = (least: number) => {
    const size = frame.current?.getBoundingClientRect();
    if (!size || size.width === 0) return;
    const whole = Math.min((size.width - 24) / width, (size.height - 24) / height, 1.2);
    const scale = clamp(Math.max(whole, least));
    const centre = (outer: number, inner: number) => Math.max(12, (outer - inner * scale) / 2);
    setBox({ x: centre(size.width, width), y: centre(size.height, height), scale });
  };
  useEffect(() => showAll(READABLE), [width, height]);
  const zoom = (factor: number, at?: { x: number; y: number }) => {
    const size = frame.current?.getBoundingClientRect();
    const point = at ?? { x: (size?.width ?? 0) / 2, y: (size?.height ?? 0) / 2 };
    setBox((before) => {
      const scale = clamp(before.scale * factor);
      const grown = scale / before.scale;
      return { scale, x: point.x - (point.x - before.x) * grown, y: point.y - (point.y - before.y) * grown };
    });
  };
  useEffect(() => {
    const svg = frame.current;
    // Preact's own listeners are passive: the page would scroll, too.
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { left, top } = (event.currentTarget as Element).getBoundingClientRect();
      if (event.ctrlKey || event.metaKey || !event.shiftKey)
        zoom(event.deltaY < 0 ? 1.12 : 1 / 1.12, { x: event.clientX - left, y: event.clientY - top });
      else setBox((before) => ({ ...before, x: before.x - event.deltaY }));
    };
    svg?.addEventListener('wheel', onWheel, { passive: false });
    return () => svg?.removeEventListener('wheel', onWheel);
  });
  const onKey = (event: KeyboardEvent) => {
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [STEP, 0],
      ArrowRight: [-STEP, 0],
      ArrowUp: [0, STEP],
      ArrowDown: [0, -STEP],
    };
    const move = moves[event.key];
    if (move) setBox((before) => ({ ...before, x: before.x + move[0], y: before.y + move[1] }));
    else if (event.key === '+' || event.key === '=') zoom(1.25);
    else if (event.key === '-') zoom(0.8);
    else if (event.key === '0') showAll(0);
    else return;
    event.preventDefault();
  };
  return (
    <div class="canvas">
      <svg
        ref={frame}
        style={{ height: `min(max(20rem, ${Math.round(height) + 90}px), max(26rem, 100vh - 19rem))` }}
        // SVG knows this attribute in small letters only.
        tabindex={0}
        role="group"
        aria-label={`${label}. Arrow keys move it, plus and minus zoom, 0 shows all.`}
        onKeyDown={onKey}
        onPointerDown={(event) => {
          grabbed.current = { x: event.clientX, y: event.clientY, box, moved: false };
        }}
        onPointerMove={(event) => {
          const from = grabbed.current;
          if (!from || event.buttons === 0) return;
          const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
          if (!from.moved && Math.hypot(dx, dy) < 4) return;
          if (!from.moved) event.currentTarget.setPointerCapture(event.pointerId);
          from.moved = true;
          setBox({ ...from.box, x: from.box.x + dx, y: from.box.y + dy });
        }}
        onClickCapture={(event) => {
          // What was moved was not clicked.
          if (grabbed.current?.moved) {
            event.preventDefault();
            event.stopPropagation();
          }
          grabbed.current = undefined;
        }}
      >
        <g transform={`translate(${box.x} ${box.y}) scale(${box.scale})`}>{children}</g>
      </svg>
      <div class="canvas-buttons">
        <button type="button" class="button" onClick={() => zoom(1.25)} aria-label="Zoom in">
          +
        </button>
        <button type="button" class="button" onClick={() => zoom(0.8)} aria-label="Zoom out">
          −
        </button>
        <button type="button" class="button" onClick={() => showAll(0)}>
          Fit
        </button>
      </div>
    </div>
  );
}

function clamp(scale: number): number {
  return Math.min(MAX_SCALE, Math.max(MIN_SCALE, scale));
}
