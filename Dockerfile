# syntax=docker/dockerfile:1
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/dispatcher ./cmd/dispatcher
RUN mkdir -p /out/data && chmod 700 /out/data

FROM scratch
COPY --from=build /out/dispatcher /dispatcher
COPY --from=build --chown=65532:65532 /out/data /data
# In a container the key must come from outside: a key made inside would be
# lost with the layer, and the data with it.
ENV DISPATCHER_CONTAINER=1 \
    DISPATCHER_DATA=/data \
    DISPATCHER_LISTEN=127.0.0.1:8080
USER 65532:65532
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/dispatcher", "healthcheck"]
ENTRYPOINT ["/dispatcher"]
CMD ["serve", "/project"]
