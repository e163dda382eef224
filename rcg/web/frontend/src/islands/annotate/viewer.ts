// The picture: OpenSeadragon with the item's layers stacked on one another, one of them seen. Gestures come from elsewhere.
import OpenSeadragon from "openseadragon";
import type { Extent } from "./geometry";
import { clamp } from "./ring";
import type { Layer, XY } from "./types";

/** From image pixels to screen pixels of the viewport: `x * scale + left`. */
export interface Place { scale: number; left: number; top: number }
const MEGAPIXELS = 160;  // of layers that are kept decoded
const CLOSEST = 96;  // screen pixels per image pixel
const SHARP = 3;  // from this scale on, pixels are shown as squares

export class Viewer {
  private readonly osd: OpenSeadragon.Viewer;
  private readonly images = new Map<string, Promise<OpenSeadragon.TiledImage>>();
  private readonly used: string[] = [];
  private layers: Layer[] = [];
  private size = { width: 1, height: 1 };
  private wanted = "";
  private generation = 0;

  constructor(private readonly element: HTMLElement, private readonly changed: (place: Place) => void, private readonly failed: (layer: string) => void) {
    // OpenSeadragon would put a style element into the page unless it finds this one; the page's policy forbids that.
    const guard = document.createElementNS("urn:rcg", "style");
    guard.setAttribute("data-openseadragon-mobile-css", "");
    document.head.append(guard);
    this.osd = OpenSeadragon({
      element, drawer: "canvas", showNavigationControl: false, showNavigator: false, mouseNavEnabled: false, preserveViewport: true,
      animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.18, springStiffness: 8, blendTime: 0, immediateRender: true,
      visibilityRatio: 0, minZoomImageRatio: 0.05, maxZoomPixelRatio: CLOSEST, imageLoaderLimit: 4, maxImageCacheCount: 400, autoResize: true,
      crossOriginPolicy: false, silenceMultiImageWarnings: true,
    });
    this.osd.setMouseNavEnabled(false);
    this.osd.canvas.tabIndex = -1;
    for (const part of element.querySelectorAll("[tabindex]")) part.setAttribute("tabindex", "-1");
    this.osd.addHandler("update-viewport", () => this.changed(this.place));
    this.osd.addHandler("resize", () => this.changed(this.place));
  }

  get place(): Place {
    const viewport = this.osd.viewport, scale = (viewport.getZoom(true) * this.room.width) / this.size.width;
    const origin = viewport.pixelFromPoint(new OpenSeadragon.Point(0, 0), true);
    return { scale, left: origin.x, top: origin.y };
  }

  get room(): { width: number; height: number } { return { width: Math.max(1, this.element.clientWidth), height: Math.max(1, this.element.clientHeight) }; }

  /** Shows another item. Its layers are pictures of one grid; the view is set by who calls. */
  open(size: { width: number; height: number }, layers: Layer[]): void {
    this.generation++;
    this.size = size;
    this.layers = layers.filter((layer) => layer.url !== null);
    this.osd.world.removeAll();
    this.images.clear();
    this.used.length = 0;
    this.wanted = "";
  }

  /** Puts a layer on top once it is there; until then the one before stays. Zoom and place stay. */
  async show(name: string): Promise<void> {
    const generation = this.generation;
    this.wanted = name;
    this.used.splice(0, this.used.length, name, ...this.used.filter((other) => other !== name));
    try {
      const image = await this.image(name);
      if (generation !== this.generation) return;
      if (!image.getFullyLoaded()) image.setPreload(true);
      if (this.wanted !== name) return;
      image.setOpacity(1);
      await loaded(image);
    } catch {
      if (generation === this.generation) this.failed(name);
      return;
    }
    if (this.wanted !== name || generation !== this.generation) return;
    for (const [other, promise] of this.images) if (other !== name) void promise.then((image) => image.setOpacity(0), () => undefined);
    this.prefetch();
  }

  /** The picture that is seen, for tests and for who waits. */
  get shown(): string { return this.wanted; }

  screenToImage([x, y]: XY): XY {
    const { scale, left, top } = this.place;
    return [(x - left) / scale, (y - top) / scale];
  }

  /** Zooms, keeping what is under a screen point there. */
  zoom(factor: number, at: XY, instantly = false): void {
    const viewport = this.osd.viewport, target = (viewport.getZoom(false) * this.room.width) / this.size.width;
    const limited = clamp(target * factor, this.fitScale() * 0.4, CLOSEST) / target;
    viewport.zoomBy(limited, viewport.pointFromPixel(new OpenSeadragon.Point(...at), true), instantly);
    this.smooth(target * limited);
  }

  pan(dx: number, dy: number, instantly = true): void {
    const viewport = this.osd.viewport, by = viewport.deltaPointsFromPixels(new OpenSeadragon.Point(-dx, -dy), true);
    const to = viewport.getCenter(false).plus(by), aspect = this.size.height / this.size.width;
    to.x = clamp(to.x, 0, 1);
    to.y = clamp(to.y, 0, aspect);
    viewport.panTo(to, instantly);
  }

  fit(instantly = false): void { this.look({ left: 0, top: 0, right: this.size.width, bottom: this.size.height }, instantly, 0.96); }

  /** Brings a part of the image into the middle. */
  look(box: Extent, instantly = false, share = 0.5): void {
    const width = Math.max(1, box.right - box.left), height = Math.max(1, box.bottom - box.top);
    const scale = Math.min(CLOSEST / 3, share * Math.min(this.room.width / width, this.room.height / height));
    this.go({ scale, x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 }, instantly);
  }

  /** Whether a part of the image can be seen. */
  sees(box: Extent): boolean {
    const { scale, left, top } = this.place, room = this.room;
    return box.left * scale + left >= 0 && box.top * scale + top >= 0 && box.right * scale + left <= room.width && box.bottom * scale + top <= room.height;
  }

  go(view: { scale: number; x: number; y: number }, instantly = false): void {
    const viewport = this.osd.viewport;
    viewport.zoomTo((view.scale * this.size.width) / this.room.width, undefined, instantly);
    viewport.panTo(new OpenSeadragon.Point(view.x / this.size.width, view.y / this.size.width), instantly);
    this.smooth(view.scale);
    this.osd.forceRedraw();
  }

  /** Where one looks: the image point in the middle, and the scale. */
  get view(): { scale: number; x: number; y: number } {
    const centre = this.osd.viewport.getCenter(false);
    return { scale: (this.osd.viewport.getZoom(false) * this.room.width) / this.size.width, x: centre.x * this.size.width, y: centre.y * this.size.width };
  }

  fitScale(): number { return Math.min(this.room.width / this.size.width, this.room.height / this.size.height); }

  private smooth(scale: number): void { this.osd.drawer.setImageSmoothingEnabled(scale < SHARP); }

  private image(name: string): Promise<OpenSeadragon.TiledImage> {
    const known = this.images.get(name);
    if (known) return known;
    const url = this.layers.find((layer) => layer.name === name)?.url;
    if (!url) return Promise.reject(new Error(name));
    const made = new Promise<OpenSeadragon.TiledImage>((resolve, reject) => {
      this.osd.addTiledImage({
        tileSource: { type: "image", url, buildPyramid: true } as unknown as string, x: 0, y: 0, width: 1, opacity: 0, preload: true,
        success: (event) => resolve((event as unknown as { item: OpenSeadragon.TiledImage }).item), error: () => { this.images.delete(name); reject(new Error(name)); },
      });
    });
    this.images.set(name, made);
    this.forget();
    return made;
  }

  private most(): number { return Math.max(2, Math.floor((MEGAPIXELS * 1e6) / (this.size.width * this.size.height))); }

  private forget(): void {
    for (const name of this.used.slice(this.most())) {
      const image = this.images.get(name);
      this.images.delete(name);
      this.used.splice(this.used.indexOf(name), 1);
      void image?.then((one) => this.osd.world.removeItem(one), () => undefined);
    }
  }

  /** Gets the other layers one after the other, so that switching is instant; large ones wait until they are asked for. */
  private prefetch(): void {
    const generation = this.generation, next = this.layers.find((layer) => !this.images.has(layer.name));
    if (!next || this.images.size >= this.most()) return;
    setTimeout(() => {
      if (generation !== this.generation) return;
      this.used.push(next.name);
      this.image(next.name).then((image) => loaded(image)).then(() => { if (generation === this.generation) this.prefetch(); }, () => undefined);
    }, 60);
  }
}

function loaded(image: OpenSeadragon.TiledImage): Promise<void> {
  if (image.getFullyLoaded()) return Promise.resolve();
  return new Promise((resolve) => {
    const look = (): void => { if (image.getFullyLoaded()) { image.removeHandler("fully-loaded-change", look); resolve(); } };
    image.addHandler("fully-loaded-change", look);
  });
}
