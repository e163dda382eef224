// The card lit from the pointer: Lambert and a little gloss on the measured normals and albedo, in WebGL2.
const VERTEX = `#version 300 es
in vec2 at; out vec2 uv;
void main() { uv = vec2(at.x, 1.0 - at.y); gl_Position = vec4(at * 2.0 - 1.0, 0.0, 1.0); }`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec2 uv; out vec4 colour;
uniform sampler2D albedo, normals; uniform vec3 light; uniform vec2 extent;
vec3 linear(vec3 c) { return mix(c / 12.92, pow((c + 0.055) / 1.055, vec3(2.4)), step(0.04045, c)); }
vec3 encoded(vec3 c) { return mix(c * 12.92, 1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c)); }
void main() {
  vec3 n = normalize(texture(normals, uv).xyz * (255.0 / 127.5) - 1.0);
  vec3 at = vec3(uv.x * extent.x, -uv.y * extent.y, 0.0);
  vec3 to = light - at;
  vec3 l = normalize(to);
  float fall = (light.z * light.z) / dot(to, to);
  float lambert = max(dot(n, l), 0.0);
  float gloss = pow(max(dot(n, normalize(l + vec3(0.0, 0.0, 1.0))), 0.0), 60.0);
  vec3 lit = linear(texture(albedo, uv).rgb) * lambert * mix(0.6, 1.0, fall) * 1.7 + 0.12 * gloss;
  colour = vec4(encoded(clamp(lit, 0.0, 1.0)), 1.0);
}`;

export interface Relight { draw(x: number, y: number, height: number): void }

/** Sets the canvas up from two pictures; throws with the reason where that cannot be. */
export async function relight(canvas: HTMLCanvasElement, albedoUrl: string, normalUrl: string, extent: { width: number; height: number }): Promise<Relight> {
  const [albedo, normal] = await Promise.all([load(albedoUrl), load(normalUrl)]);
  canvas.width = normal.naturalWidth;
  canvas.height = normal.naturalHeight;
  const gl = canvas.getContext("webgl2", { antialias: false, preserveDrawingBuffer: true });
  if (!gl) throw new Error("This browser has no WebGL2, which relighting needs.");
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(kind);
    if (!shader) throw new Error("WebGL2 made no shader.");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader) ?? "A shader did not compile.");
    gl.attachShader(program, shader);
  }
  gl.bindAttribLocation(program, 0, "at");
  gl.linkProgram(program);
  gl.useProgram(program);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
  gl.enableVertexAttribArray(0);
  gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
  texture(gl, 0, albedo);
  texture(gl, 1, normal);
  gl.uniform1i(gl.getUniformLocation(program, "albedo"), 0);
  gl.uniform1i(gl.getUniformLocation(program, "normals"), 1);
  gl.uniform2f(gl.getUniformLocation(program, "extent"), extent.width, extent.height);
  const light = gl.getUniformLocation(program, "light");
  gl.viewport(0, 0, canvas.width, canvas.height);
  return {
    draw(x, y, height) {
      gl.uniform3f(light, x, -y, height);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    },
  };
}

function load(url: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error(`The picture ${url} did not load.`));
    image.src = url;
  });
}

function texture(gl: WebGL2RenderingContext, unit: number, image: HTMLImageElement): void {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, image);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
}
