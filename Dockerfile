# A static binary in an empty image, run by nobody in particular.
#   docker build -t ringbook .
#   docker run -v ringbook:/var/lib/ringbook -v ./ringbook.toml:/etc/ringbook/ringbook.toml:ro -p 443:8443 -p 636:8636 ringbook
# Inside, listen on ports above 1024: the user may not open lower ones.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /ringbook ./cmd/ringbook \
 && mkdir -p /rootfs/var/lib/ringbook /rootfs/tmp && chmod 1777 /rootfs/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=65532:65532 /rootfs/ /
COPY --from=build /ringbook /ringbook
USER 65532:65532
VOLUME /var/lib/ringbook
EXPOSE 8443 8389 8636
HEALTHCHECK --interval=30s --timeout=5s --start-period=2m CMD ["/ringbook", "status"]
ENTRYPOINT ["/ringbook"]
CMD ["serve"]
